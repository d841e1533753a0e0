/* Bodies while they are elaborated, and values as the tensors they are made of. */
#ifndef INTERPRETER_ELABORATE_BODY_H
#define INTERPRETER_ELABORATE_BODY_H

#include "interpreter/elaborate/elaborate.h"

/* A tensor of the graph around, as the body has it: an input, or made again. */
typedef struct {
  Node *from, *here;
  bool input;
} Capture;

struct Body {
  Body *outer; // the body that this one stands in; NULL: none
  Graph *around, *graph;
  Capture *capture;
  int captures;
  size_t capacity;
};

void body_begin(Elaborator *e, Body *body);     // what follows is elaborated in the body's graph …
void body_end(Elaborator *e, const Body *body); // … until here
/* What the body captured as inputs, in their order behind those that were there before; gives how many. `input` has
 * room for body->captures. */
int body_inputs(const Body *body, Node **input);
/* Two bodies of one branch: both capture the same, in the same order. They must have no other inputs. */
void bodies_agree(Elaborator *e, Body *a, Body *b);

/* The tensors that a value is made of, records and lists part by part; numbers become tensors. Gives how many, -1 if
 * something in it is none. leaf NULL: only counted. */
int value_leaves(Elaborator *e, const Value *value, const Ast *at, Node **leaf);
/* A value of the same parts made of other tensors; moves *leaf on. */
const Value *value_of_leaves(Elaborator *e, const Value *shape, Node *const **leaf);

#endif
