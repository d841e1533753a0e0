/* Derivatives of linear algebra. Each function is that of a row: the gradient of an input, as rules.h says.
 *
 * Sources: products, inverses, determinants and eigh: Giles, "Collected matrix derivative results for forward and
 * reverse mode algorithmic differentiation" (2008). cholesky: Murray, "Differentiation of the Cholesky
 * decomposition" (2016). qr: Roberts and Roberts, "QR and LQ decomposition matrix backpropagation algorithms"
 * (2020). svd: Townsend, "Differentiating the singular value decomposition" (2016). */
#ifndef AUTODIFF_RULES_LINEAR_H
#define AUTODIFF_RULES_LINEAR_H

#include "graph/graph.h"

Node *gradient_cholesky(Node *y, int input, Node *dy);
Node *gradient_solve(Node *y, int input, Node *dy);
Node *gradient_det(Node *y, int input, Node *dy);
Node *gradient_qr(Node *y, int input, Node *dy);
Node *gradient_eigh(Node *y, int input, Node *dy);
Node *gradient_svd(Node *y, int input, Node *dy);
Node *gradient_fft(Node *y, int input, Node *dy);

#endif
