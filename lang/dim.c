/* Polynomials with integer coefficients, interned.
 *
 * A Dim is a sorted sum of terms, a term a coefficient times a monomial, a monomial a product of powers of
 * atoms: symbols, and quotients that do not divide. Monomials, quotients and Dims are each kept once, so equal
 * polynomials are equal pointers. A quotient is brought to a normal form first: what can be divided out is
 * (3*B // 2 = B + B//2), common factors go (2*B // 4 = B//2), and quotients of quotients become one
 * ((H//2 + 1) // 2 = (H + 2)//4). What grows past the limits below becomes dim_huge. */
#include "lang/dim.h"

#include "base/arena.h"
#include "base/size.h"

#include <assert.h>
#include <string.h>

#define DIM_LARGEST ((int64_t)1 << 62)
#define DIM_TERMS   64   // of a polynomial
#define DIM_DEGREE  64   // of a monomial
#define DIM_DEPTH   8    // of quotients in quotients
#define DIM_STEPS   1000 // of a division, beyond which its result would be unreadable

typedef struct Entry Entry;
struct Entry { // what the things in a table begin with
  Entry *next;
  uint64_t hash;
};

typedef struct {
  Entry **bucket;
  size_t buckets, count;
} Table;

typedef struct {
  Entry entry;             // of a quotient
  int id;                  // in order of creation
  Name name;               // of a symbol
  const Dim *top, *bottom; // of a quotient; NULL in a symbol
} Atom;

typedef struct {
  const Atom *atom;
  int power;
} Factor;

typedef struct {
  Entry entry;
  int degree, count;
  Factor factor[]; // atoms ascending by id
} Monomial;

typedef struct {
  int64_t coefficient; // not 0
  const Monomial *monomial;
} Term;

struct Dim {
  Entry entry;
  bool huge;
  int depth; // of nested quotients
  int count;
  Term term[]; // monomials descending: by degree, then by the powers of their first atoms
};

typedef struct { // a polynomial being computed
  bool huge;
  int count;
  Term term[DIM_TERMS];
} Sum;

static Arena *dim_arena;
static Table monomial_table, quotient_table, dim_table;
static int atoms_made;
static const Dim dim_huge_value = {.huge = true};

/* ---- interning -------------------------------------------------------------------------------------------- */

static Arena *storage(void) {
  if (!dim_arena) dim_arena = arena_new(0);
  return dim_arena;
}

static uint64_t hash_mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 29);
}

static Entry *table_chain(const Table *table, uint64_t hash) {
  return table->buckets ? table->bucket[hash & (table->buckets - 1)] : NULL;
}

static void table_grow(Table *table) {
  size_t buckets = table->buckets ? 2 * table->buckets : 256;
  Entry **bucket = memory_alloc(buckets, sizeof *bucket);
  for (size_t i = 0; i < table->buckets; i++)
    for (Entry *entry = table->bucket[i], *next; entry; entry = next) {
      next = entry->next;
      entry->next = bucket[entry->hash & (buckets - 1)];
      bucket[entry->hash & (buckets - 1)] = entry;
    }
  memory_free(table->bucket);
  table->bucket = bucket, table->buckets = buckets;
}

static void table_add(Table *table, Entry *entry, uint64_t hash) {
  if (table->count >= table->buckets) table_grow(table);
  Entry **bucket = &table->bucket[hash & (table->buckets - 1)];
  entry->hash = hash, entry->next = *bucket;
  *bucket = entry;
  table->count++;
}

static const Monomial *monomial_of(const Factor *factor, int count) {
  uint64_t hash = 1;
  int degree = 0;
  for (int i = 0; i < count; i++) {
    hash = hash_mix(hash_mix(hash, (uint64_t)factor[i].atom->id), (uint64_t)factor[i].power);
    degree += factor[i].power;
  }
  for (Entry *entry = table_chain(&monomial_table, hash); entry; entry = entry->next) {
    const Monomial *monomial = (const Monomial *)entry;
    bool same = entry->hash == hash && monomial->count == count;
    for (int i = 0; same && i < count; i++)
      same = monomial->factor[i].atom == factor[i].atom && monomial->factor[i].power == factor[i].power;
    if (same) return monomial;
  }
  Monomial *monomial = arena_alloc(storage(), 1, sizeof *monomial + (size_t)count * sizeof *factor);
  monomial->degree = degree, monomial->count = count;
  for (int i = 0; i < count; i++) monomial->factor[i] = factor[i];
  table_add(&monomial_table, &monomial->entry, hash);
  return monomial;
}

static const Monomial *monomial_one(void) { return monomial_of(NULL, 0); }

static int atom_depth(const Atom *atom) {
  if (!atom->top) return 0;
  return 1 + (atom->top->depth > atom->bottom->depth ? atom->top->depth : atom->bottom->depth);
}

static const Dim *dim_of_sum(const Sum *sum) {
  if (sum->huge) return &dim_huge_value;
  uint64_t hash = 2;
  for (int i = 0; i < sum->count; i++)
    hash = hash_mix(hash_mix(hash, (uint64_t)sum->term[i].coefficient), sum->term[i].monomial->entry.hash);
  for (Entry *entry = table_chain(&dim_table, hash); entry; entry = entry->next) {
    const Dim *dim = (const Dim *)entry;
    bool same = entry->hash == hash && dim->count == sum->count;
    for (int i = 0; same && i < sum->count; i++)
      same = dim->term[i].coefficient == sum->term[i].coefficient &&
             dim->term[i].monomial == sum->term[i].monomial;
    if (same) return dim;
  }
  int depth = 0;
  for (int i = 0; i < sum->count; i++)
    for (int k = 0; k < sum->term[i].monomial->count; k++) {
      int below = atom_depth(sum->term[i].monomial->factor[k].atom);
      if (below > depth) depth = below;
    }
  if (depth > DIM_DEPTH) return &dim_huge_value;
  Dim *dim = arena_alloc(storage(), 1, sizeof *dim + (size_t)sum->count * sizeof(Term));
  dim->depth = depth, dim->count = sum->count;
  memcpy(dim->term, sum->term, (size_t)sum->count * sizeof(Term));
  table_add(&dim_table, &dim->entry, hash);
  return dim;
}

/* ---- monomials -------------------------------------------------------------------------------------------- */

/* Above 0 where a stands before b. An order that products keep, which division needs. */
static int monomial_compare(const Monomial *a, const Monomial *b) {
  if (a->degree != b->degree) return a->degree - b->degree;
  for (int i = 0; i < a->count && i < b->count; i++) {
    if (a->factor[i].atom != b->factor[i].atom) return b->factor[i].atom->id - a->factor[i].atom->id;
    if (a->factor[i].power != b->factor[i].power) return a->factor[i].power - b->factor[i].power;
  }
  return 0;
}

/* a * b to the power of `sign`, 1 or -1; NULL where b does not divide a, or the degree passes its limit. */
static const Monomial *monomial_product(const Monomial *a, const Monomial *b, int sign) {
  Factor factor[2 * DIM_DEGREE];
  int count = 0, i = 0, k = 0;
  if (a->degree + sign * b->degree > DIM_DEGREE) return NULL;
  while (i < a->count || k < b->count) {
    bool from_a = k == b->count || (i < a->count && a->factor[i].atom->id <= b->factor[k].atom->id);
    bool from_b = i == a->count || (k < b->count && b->factor[k].atom->id <= a->factor[i].atom->id);
    const Atom *atom = from_a ? a->factor[i].atom : b->factor[k].atom;
    int power = (from_a ? a->factor[i].power : 0) + (from_b ? sign * b->factor[k].power : 0);
    if (power < 0) return NULL;
    if (power > 0) factor[count++] = (Factor){atom, power};
    i += from_a, k += from_b;
  }
  return monomial_of(factor, count);
}

/* The product of the powers that both have. */
static const Monomial *monomial_common(const Monomial *a, const Monomial *b) {
  Factor factor[DIM_DEGREE];
  int count = 0;
  for (int i = 0; i < a->count; i++)
    for (int k = 0; k < b->count; k++)
      if (a->factor[i].atom == b->factor[k].atom) {
        int least = a->factor[i].power < b->factor[k].power ? a->factor[i].power : b->factor[k].power;
        factor[count++] = (Factor){a->factor[i].atom, least};
      }
  return monomial_of(factor, count);
}

/* ---- sums ------------------------------------------------------------------------------------------------- */

static bool coefficient_fits(int64_t number) { return number <= DIM_LARGEST && number >= -DIM_LARGEST; }

static void sum_add_term(Sum *sum, int64_t coefficient, const Monomial *monomial) {
  if (sum->huge || coefficient == 0) return;
  int at = 0, order = -1;
  while (at < sum->count && (order = monomial_compare(sum->term[at].monomial, monomial)) > 0) at++;
  bool found = at < sum->count && order == 0;
  int64_t total = coefficient;
  if (found) total += sum->term[at].coefficient; // both are at most 2^62 in size
  if (!coefficient_fits(total) || (!found && sum->count == DIM_TERMS)) {
    sum->huge = true;
  } else if (found && total == 0) {
    sum->count--;
    memmove(&sum->term[at], &sum->term[at + 1], (size_t)(sum->count - at) * sizeof(Term));
  } else {
    if (!found) {
      memmove(&sum->term[at + 1], &sum->term[at], (size_t)(sum->count - at) * sizeof(Term));
      sum->count++;
    }
    sum->term[at] = (Term){total, monomial};
  }
}

/* Adds coefficient * monomial * dim. */
static void sum_add_product(Sum *sum, const Dim *dim, int64_t coefficient, const Monomial *monomial) {
  if (dim->huge) sum->huge = true;
  for (int i = 0; i < dim->count && !sum->huge; i++) {
    int64_t number;
    const Monomial *both = monomial_product(dim->term[i].monomial, monomial, 1);
    if (!both || !int_mul(dim->term[i].coefficient, coefficient, &number) || !coefficient_fits(number))
      sum->huge = true;
    else
      sum_add_term(sum, number, both);
  }
}

static const Dim *dim_of_atom(const Atom *atom) {
  Sum sum = {.count = 1};
  sum.term[0] = (Term){1, monomial_of(&(Factor){atom, 1}, 1)};
  return dim_of_sum(&sum);
}

static const Dim *dim_combine(const Dim *a, const Dim *b, int64_t sign) {
  Sum sum;
  sum.huge = a->huge, sum.count = a->count;
  memcpy(sum.term, a->term, (size_t)a->count * sizeof(Term));
  sum_add_product(&sum, b, sign, monomial_one());
  return dim_of_sum(&sum);
}

static const Dim *dim_negative(const Dim *a) { return dim_combine(dim_of(0), a, -1); }

/* ---- making and arithmetic -------------------------------------------------------------------------------- */

const Dim *dim_of(int64_t number) {
  if (!coefficient_fits(number)) return &dim_huge_value;
  Sum sum = {.count = number != 0};
  if (number) sum.term[0] = (Term){number, monomial_one()};
  return dim_of_sum(&sum);
}

const Dim *dim_symbol(Name name) {
  Atom *atom = ARENA_NEW(storage(), Atom);
  atom->id = atoms_made++, atom->name = name;
  return dim_of_atom(atom);
}

const Dim *dim_add(const Dim *a, const Dim *b) { return dim_combine(a, b, 1); }
const Dim *dim_sub(const Dim *a, const Dim *b) { return dim_combine(a, b, -1); }

const Dim *dim_mul(const Dim *a, const Dim *b) {
  Sum sum;
  sum.huge = a->huge || b->huge, sum.count = 0;
  for (int i = 0; i < b->count && !sum.huge; i++)
    sum_add_product(&sum, a, b->term[i].coefficient, b->term[i].monomial);
  return dim_of_sum(&sum);
}

static int64_t number_floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

/* top = quotient * bottom + rest, by long division from the largest term down; what is left has no term that
 * the first of bottom divides with a quotient other than 0. The first coefficient of bottom is above 0. */
static void divide_long(const Dim *top, const Dim *bottom, Sum *quotient, Sum *rest) {
  Term first = bottom->term[0];
  quotient->huge = false, quotient->count = 0;
  rest->huge = false, rest->count = top->count;
  memcpy(rest->term, top->term, (size_t)top->count * sizeof(Term));
  int steps = 0;
  for (int i = 0; i < rest->count && !rest->huge && !quotient->huge;) {
    const Monomial *monomial = monomial_product(rest->term[i].monomial, first.monomial, -1);
    int64_t times = monomial ? number_floor_div(rest->term[i].coefficient, first.coefficient) : 0;
    if (times == 0) {
      i++;
      continue;
    }
    sum_add_term(quotient, times, monomial);
    sum_add_product(rest, bottom, -times, monomial);
    if (steps++ == DIM_STEPS) rest->huge = true;
  }
  if (rest->huge) quotient->huge = true;
}

const Dim *dim_divide(const Dim *a, const Dim *b) {
  if (a->huge || b->huge) return &dim_huge_value;
  if (b->count == 0) return NULL;
  if (b->term[0].coefficient < 0) return dim_divide(dim_negative(a), dim_negative(b));
  Sum quotient, rest;
  divide_long(a, b, &quotient, &rest);
  return rest.count == 0 && !rest.huge ? dim_of_sum(&quotient) : NULL;
}

static int64_t number_common(int64_t a, int64_t b) {
  while (b) {
    int64_t rest = a % b;
    a = b, b = rest;
  }
  return a < 0 ? -a : a;
}

/* The largest number and monomial that divide all terms of both. */
static Term dim_common(const Dim *a, const Dim *b) {
  Term common = b->term[0];
  for (int k = 0; k < 2; k++)
    for (int i = 0; i < (k ? b : a)->count; i++) {
      Term term = (k ? b : a)->term[i];
      common.coefficient = number_common(common.coefficient, term.coefficient);
      common.monomial = monomial_common(common.monomial, term.monomial);
    }
  return common;
}

/* The quotient atom in `top` that may become part of it: its term has the factor 1 and it divides by a number. */
static const Atom *dim_nested(const Dim *top) {
  for (int i = 0; i < top->count; i++) {
    const Monomial *monomial = top->term[i].monomial;
    if (top->term[i].coefficient != 1 || monomial->degree != 1) continue;
    const Atom *atom = monomial->factor[0].atom;
    if (atom->top && dim_is_number(atom->bottom, NULL)) return atom;
  }
  return NULL;
}

static const Dim *dim_quotient(const Dim *top, const Dim *bottom) {
  uint64_t hash = hash_mix(top->entry.hash, bottom->entry.hash);
  for (Entry *entry = table_chain(&quotient_table, hash); entry; entry = entry->next) {
    const Atom *atom = (const Atom *)entry;
    if (atom->top == top && atom->bottom == bottom) return dim_of_atom(atom);
  }
  Atom *atom = ARENA_NEW(storage(), Atom);
  atom->id = atoms_made++, atom->top = top, atom->bottom = bottom;
  table_add(&quotient_table, &atom->entry, hash);
  return dim_of_atom(atom);
}

const Dim *dim_floor_div(const Dim *a, const Dim *b) {
  const Dim *whole = dim_of(0);
  for (;;) { // each round makes bottom shorter or top less deep
    if (a->huge || b->huge || whole->huge || b->count == 0) return &dim_huge_value;
    if (b->term[0].coefficient < 0) a = dim_negative(a), b = dim_negative(b);
    Sum quotient, rest;
    divide_long(a, b, &quotient, &rest);
    whole = dim_add(whole, dim_of_sum(&quotient));
    a = dim_of_sum(&rest);
    if (whole->huge || a->huge) return &dim_huge_value;
    if (a->count == 0 || (dim_is_number(a, NULL) && dim_is_number(b, NULL))) return whole;
    Term common = dim_common(a, b);
    if (common.coefficient != 1 || common.monomial->count) {
      Sum factor = {.count = 1};
      factor.term[0] = common;
      const Dim *both = dim_of_sum(&factor);
      a = dim_divide(a, both), b = dim_divide(b, both);
      continue;
    }
    const Atom *nested = dim_is_number(b, NULL) ? dim_nested(a) : NULL;
    if (!nested) return dim_add(whole, dim_quotient(a, b));
    const Dim *beside = dim_sub(a, dim_of_atom(nested)); // (p//m + r)//n = (p + r*m)//(m*n)
    a = dim_add(nested->top, dim_mul(beside, nested->bottom));
    b = dim_mul(b, nested->bottom);
  }
}

const Dim *dim_mod(const Dim *a, const Dim *b) { return dim_sub(a, dim_mul(b, dim_floor_div(a, b))); }

/* ---- questions -------------------------------------------------------------------------------------------- */

bool dim_is_number(const Dim *dim, int64_t *number) {
  bool yes = !dim->huge && (dim->count == 0 || (dim->count == 1 && dim->term[0].monomial->count == 0));
  if (yes && number) *number = dim->count ? dim->term[0].coefficient : 0;
  return yes;
}

int64_t dim_number(const Dim *dim) {
  int64_t number = 0;
  bool yes = dim_is_number(dim, &number);
  assert(yes && "dim_number: not a number");
  (void)yes;
  return number;
}

bool dim_is_symbol(const Dim *dim) {
  return !dim->huge && dim->count == 1 && dim->term[0].coefficient == 1 &&
         dim->term[0].monomial->degree == 1 && !dim->term[0].monomial->factor[0].atom->top;
}

bool dim_is_huge(const Dim *dim) { return dim->huge; }

bool dim_has_symbol(const Dim *dim, const Dim *symbol) {
  assert(dim_is_symbol(symbol));
  const Atom *wanted = symbol->term[0].monomial->factor[0].atom;
  for (int i = 0; i < dim->count; i++)
    for (int k = 0; k < dim->term[i].monomial->count; k++) {
      const Atom *atom = dim->term[i].monomial->factor[k].atom;
      if (atom == wanted) return true;
      if (atom->top && (dim_has_symbol(atom->top, symbol) || dim_has_symbol(atom->bottom, symbol)))
        return true;
    }
  return false;
}

/* A number that dim does not go below while all symbols are >= 1, at least 0 for each monomial; false if none
 * was found. */
static bool dim_lower(const Dim *dim, int64_t *lower) {
  *lower = 0;
  if (dim->huge) return false;
  for (int i = 0; i < dim->count; i++) {
    const Monomial *monomial = dim->term[i].monomial;
    int64_t least = dim->term[i].coefficient;
    if (least < 0 && monomial->count) return false;
    for (int k = 0; k < monomial->count; k++) {
      const Atom *atom = monomial->factor[k].atom;
      int64_t divisor, value = 1;
      if (atom->top) {
        if (!dim_is_number(atom->bottom, &divisor) || !dim_lower(atom->top, &value)) return false;
        value = number_floor_div(value, divisor);
      }
      if (value < 0) return false;
      for (int power = 0; power < monomial->factor[k].power && least; power++)
        if (!int_mul(least, value, &least)) return false;
    }
    if (!int_add(*lower, least, lower)) return false;
  }
  return true;
}

int dim_compare(const Dim *a, const Dim *b, bool *known) {
  const Dim *difference = dim_sub(a, b);
  int64_t number;
  *known = true;
  if (dim_is_number(difference, &number)) return (number > 0) - (number < 0);
  if (dim_lower(difference, &number) && number > 0) return 1;
  if (dim_lower(dim_negative(difference), &number) && number > 0) return -1;
  *known = false;
  return 0;
}

static const Dim *atom_substitute(const Atom *atom, const DimBinding *bindings, int count) {
  if (atom->top)
    return dim_floor_div(dim_substitute(atom->top, bindings, count),
                         dim_substitute(atom->bottom, bindings, count));
  for (int i = 0; i < count; i++)
    if (bindings[i].symbol->term[0].monomial->factor[0].atom == atom) return bindings[i].value;
  return dim_of_atom(atom);
}

const Dim *dim_substitute(const Dim *dim, const DimBinding *bindings, int count) {
  if (count == 0 || dim->huge || dim_is_number(dim, NULL)) return dim;
  const Dim *sum = dim_of(0);
  for (int i = 0; i < dim->count; i++) {
    const Monomial *monomial = dim->term[i].monomial;
    const Dim *product = dim_of(dim->term[i].coefficient);
    for (int k = 0; k < monomial->count; k++) {
      const Dim *value = atom_substitute(monomial->factor[k].atom, bindings, count);
      for (int power = 0; power < monomial->factor[k].power; power++) product = dim_mul(product, value);
    }
    sum = dim_add(sum, product);
  }
  return sum;
}

/* ---- printing --------------------------------------------------------------------------------------------- */

/* With brackets where an operator beside it would tear it apart. */
static void print_part(const Dim *dim, Text *out) {
  bool bare = dim_is_number(dim, NULL) ? dim->count == 0 || dim->term[0].coefficient > 0 : dim_is_symbol(dim);
  if (!bare) text_add(out, "(");
  dim_print(dim, out);
  if (!bare) text_add(out, ")");
}

static void print_factor(const Factor *factor, bool alone, Text *out) {
  const Atom *atom = factor->atom;
  if (!atom->top) {
    text_add(out, atom->name ? atom->name : "_");
  } else {
    bool bare = alone && factor->power == 1;
    if (!bare) text_add(out, "(");
    print_part(atom->top, out);
    text_add(out, "//");
    print_part(atom->bottom, out);
    if (!bare) text_add(out, ")");
  }
  if (factor->power > 1) text_printf(out, "**%d", factor->power);
}

/* Without its sign. */
static void print_term(const Term *term, Text *out) {
  int64_t size = term->coefficient < 0 ? -term->coefficient : term->coefficient;
  bool number = size != 1 || term->monomial->count == 0;
  if (number) text_printf(out, "%lld", (long long)size);
  for (int k = 0; k < term->monomial->count; k++) {
    if (number || k > 0) text_add(out, "*");
    print_factor(&term->monomial->factor[k], !number && term->monomial->count == 1, out);
  }
}

void dim_print(const Dim *dim, Text *out) {
  if (dim->huge) text_add(out, "huge");
  if (!dim->huge && dim->count == 0) text_add(out, "0");
  int first = 0; // `H - B`, not `-B + H`
  while (first < dim->count && dim->term[first].coefficient < 0) first++;
  if (first == dim->count) first = 0;
  for (int i = 0; i < dim->count; i++) {
    int at = i == 0 ? first : i <= first ? i - 1 : i;
    bool negative = dim->term[at].coefficient < 0;
    text_add(out, i == 0 ? (negative ? "-" : "") : negative ? " - " : " + ");
    print_term(&dim->term[at], out);
  }
}
