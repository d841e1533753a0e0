/* Constructors of Fourier transforms. Complex numbers are pairs along the last axis: [..., n, 2]. */
#ifndef GRAPH_BUILD_FOURIER_H
#define GRAPH_BUILD_FOURIER_H

#include "graph/build.h"

/* y_k = sum of x_j e^(-2 pi i j k / n); `back`: with + in the exponent, and without the factor 1/n. */
Node *build_fft(Node *x, bool back);
Node *build_ifft(Node *x);                // fft undone
Node *build_rfft(Node *x);                // real [..., n]: the frequencies 0 to n // 2, [..., n // 2 + 1, 2]
Node *build_irfft(Node *x, const Dim *n); // rfft undone: [..., n // 2 + 1, 2] to [..., n]

#endif
