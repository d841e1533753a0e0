/* L-BFGS: steps along a direction that the last gradients suggest, as far as the loss falls.
 *
 * Not an optimizer of the step's graph, because it asks for the loss again at other weights. The graph leaves the
 * gradients in variables; this moves the weights. All that must last from step to step is in variables too. */
#ifndef INTERPRETER_LBFGS_H
#define INTERPRETER_LBFGS_H

#include "interpreter/elaborate/elaborate.h"

/* Computes the loss and the gradients at the weights of now; a loss that is not finite is a failure. */
typedef double Again(void *context);

/* One step from weights at which `loss` and the gradients were computed. false: no lower loss was found, the weights are
 * as they were. */
bool lbfgs_step(const Search *search, double loss, Again *again, void *context);

#endif
