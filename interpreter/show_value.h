/* Tensors as text, for print: at most SHOW_ROWS rows and columns of what is large, all of small matrices. */
#ifndef INTERPRETER_SHOW_VALUE_H
#define INTERPRETER_SHOW_VALUE_H

#include "interpreter/data/fitted.h"

#define SHOW_ROWS 6

/* `fitted`: names of classes, for indices made by category, chars or words; NULL: none. `text`: rows of classes are
 * shown as the text they stand for, one a line. */
void show_tensor(Text *out, const Type *type, const void *data, const Fitted *fitted, bool text);

int64_t show_class(const Type *type, const void *data, int64_t i); // number i of an integer tensor

/* A picture of values 0..1 as half blocks, two rows of pixels a line, in 24 greys of the 256-colour table. Without
 * `colour`, one sign a pixel, two columns wide. */
void show_image(Text *out, const Type *type, const void *data, bool colour);

#endif
