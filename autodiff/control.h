/* Gradients of scans and branches. */
#ifndef AUTODIFF_CONTROL_H
#define AUTODIFF_CONTROL_H

#include "graph/graph.h"

/* dy[r]: the gradient of result r of a scan or branch, or NULL; at least one is given. gradient[k]: that of input k, where
 * it is wanted; NULL: there is none. The gradient of a scan is a scan in the other direction; what it needs of the
 * forward one becomes further yields of that, so its body changes. */
void control_gradient(Node *control, Node *const *dy, const bool *wanted, Node **gradient);

#endif
