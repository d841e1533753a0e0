/* Dims: normal forms, exactness at the limits, comparison, substitution, printing; types as they are shown. */
#include "lang/op.h"
#include "lang/type.h"

#include <criterion/criterion.h>
#include <string.h>

static const Dim *symbol(const char *name) { return dim_symbol(name_of(name)); }
static const Dim *number(int64_t value) { return dim_of(value); }

static void prints(const Dim *dim, const char *wanted) {
  Text text = {0};
  dim_print(dim, &text);
  cr_expect_str_eq(text_string(&text), wanted);
  text_free(&text);
}

Test(dim, equal_polynomials_are_one_pointer) {
  const Dim *a = symbol("A"), *b = symbol("B");
  const Dim *square = dim_mul(dim_add(a, b), dim_add(a, b));
  const Dim *terms = dim_add(dim_mul(b, b), dim_add(dim_mul(number(2), dim_mul(b, a)), dim_mul(a, a)));
  cr_expect_eq(square, terms);
  cr_expect_eq(dim_sub(dim_add(a, b), b), a);
  cr_expect_eq(dim_sub(a, a), number(0));
  cr_expect_neq(symbol("A"), symbol("A"), "each symbol is new");
}

Test(dim, prints_in_a_stable_order) {
  const Dim *b = symbol("B"), *t = symbol("T");
  prints(number(0), "0");
  prints(number(-3), "-3");
  prints(dim_mul(b, number(28)), "28*B");
  prints(dim_add(number(1), b), "B + 1");
  prints(dim_sub(number(1), b), "1 - B");
  prints(dim_add(number(1), dim_mul(t, b)), "B*T + 1");
  prints(dim_mul(b, dim_mul(b, b)), "B**3");
  prints(dim_floor_div(dim_add(b, number(1)), number(2)), "(B + 1)//2");
  prints(dim_mul(number(3), dim_floor_div(b, number(2))), "3*(B//2)");
  prints(dim_floor_div(number(7), dim_add(b, t)), "7//(B + T)");
  prints(dim_sub(number(0), b), "-B");
}

Test(dim, division_that_comes_out) {
  const Dim *a = symbol("a"), *b = symbol("b");
  cr_expect_eq(dim_floor_div(dim_mul(number(2), b), number(2)), b);
  cr_expect_eq(dim_floor_div(dim_mul(a, b), b), a);
  cr_expect_eq(dim_divide(dim_mul(a, b), b), a);
  cr_expect_eq(dim_divide(dim_mul(dim_add(a, b), dim_sub(a, b)), dim_add(a, b)), dim_sub(a, b));
  cr_expect_eq(dim_divide(dim_mul(a, b), dim_mul(number(-1), b)), dim_sub(number(0), a));
  cr_expect_null(dim_divide(a, number(2)));
  cr_expect_null(dim_divide(a, b));
  cr_expect_null(dim_divide(a, number(0)));
  cr_expect_eq(dim_divide(number(84), number(-7)), number(-12));
  cr_expect_null(dim_divide(number(85), number(7)));
  cr_expect_eq(dim_mod(dim_mul(number(6), b), number(3)), number(0));
}

Test(dim, quotients_have_one_normal_form) {
  const Dim *h = symbol("H"), *two = number(2), *one = number(1);
  const Dim *halved = dim_add(dim_floor_div(dim_sub(h, one), two), one);
  cr_expect_eq(halved, dim_floor_div(dim_add(h, one), two), "(H - 1)//2 + 1 is (H + 1)//2");
  cr_expect_eq(dim_floor_div(dim_floor_div(h, two), two), dim_floor_div(h, number(4)));
  cr_expect_eq(dim_floor_div(dim_mul(two, h), number(4)), dim_floor_div(h, two));
  cr_expect_eq(dim_floor_div(dim_mul(number(3), h), two), dim_add(h, dim_floor_div(h, two)));
  cr_expect_eq(dim_floor_div(dim_sub(number(0), h), number(-2)), dim_floor_div(h, two));
  cr_expect_eq(dim_add(dim_mul(two, dim_floor_div(h, two)), dim_mod(h, two)), h);
}

/* Every small polynomial quotient, then substituted, is the quotient of the substituted numbers. */
Test(dim, quotients_keep_their_value) {
  const Dim *h = symbol("H"), *w = symbol("W");
  for (int64_t p = -3; p <= 3; p++)
    for (int64_t q = -2; q <= 2; q++)
      for (int64_t r = -5; r <= 5; r++)
        for (int64_t m = -4; m <= 4; m++) {
          if (m == 0) continue;
          const Dim *top = dim_add(dim_add(dim_mul(number(p), h), dim_mul(number(q), w)), number(r));
          const Dim *once = dim_floor_div(top, number(m)),
                    *twice = dim_floor_div(dim_add(once, w), number(3));
          for (int64_t i = 1; i <= 6; i++) {
            DimBinding binding[2] = {{h, number(i)}, {w, number(7 - i)}};
            int64_t whole = p * i + q * (7 - i) + r;
            int64_t floor = whole / m - (whole % m != 0 && (whole < 0) != (m < 0));
            cr_assert_eq(dim_number(dim_substitute(once, binding, 2)), floor);
            int64_t next = floor + 7 - i;
            cr_assert_eq(dim_number(dim_substitute(twice, binding, 2)), next / 3 - (next % 3 < 0));
          }
        }
}

Test(dim, past_the_limits_is_huge) {
  const Dim *b = symbol("B"), *large = number((int64_t)1 << 62);
  cr_expect(!dim_is_huge(large));
  cr_expect(dim_is_huge(dim_add(large, number(1))));
  cr_expect(dim_is_huge(number(INT64_MIN)));
  cr_expect(dim_is_huge(dim_mul(large, large)));
  cr_expect(dim_is_huge(dim_mul(dim_mul(large, b), number(2))));
  cr_expect(dim_is_huge(dim_floor_div(b, number(0))));
  cr_expect(dim_is_huge(dim_mod(b, number(0))));
  prints(dim_mul(large, large), "huge");
  const Dim *many = number(1), *power = b;
  for (int i = 0; i < 100; i++) many = dim_mul(many, dim_add(symbol("s"), number(1)));
  cr_expect(dim_is_huge(many), "too many terms");
  for (int i = 0; i < 100; i++) power = dim_mul(power, b);
  cr_expect(dim_is_huge(power), "too large a degree");
  const Dim *nested = b;
  for (int i = 0; i < 1000; i++) nested = dim_floor_div(number(7), dim_add(nested, number(2)));
  cr_expect(dim_is_huge(nested), "too deep");
}

Test(dim, compares_what_is_known) {
  const Dim *b = symbol("B"), *t = symbol("T");
  bool known;
  cr_expect_eq(dim_compare(dim_add(b, number(1)), b, &known), 1);
  cr_expect(known);
  cr_expect_eq(dim_compare(b, number(0), &known), 1);
  cr_expect(known);
  cr_expect_eq(dim_compare(t, dim_add(t, dim_mul(b, t)), &known), -1);
  cr_expect(known);
  cr_expect_eq(dim_compare(b, b, &known), 0);
  cr_expect(known);
  dim_compare(b, number(1), &known);
  cr_expect(!known, "B may be 1");
  dim_compare(b, t, &known);
  cr_expect(!known);
  dim_compare(dim_floor_div(b, number(2)), number(0), &known);
  cr_expect(!known, "1//2 is 0");
}

Test(dim, finds_and_substitutes_symbols) {
  const Dim *b = symbol("B"), *t = symbol("T"),
            *size = dim_floor_div(dim_add(dim_mul(b, t), number(1)), number(2));
  cr_expect(dim_has_symbol(size, b));
  cr_expect(!dim_has_symbol(size, symbol("B")));
  cr_expect(dim_is_symbol(b));
  cr_expect(!dim_is_symbol(size));
  DimBinding binding = {b, number(5)};
  const Dim *bound = dim_substitute(size, &binding, 1);
  prints(bound, "2*T + (T + 1)//2");
  cr_expect(!dim_has_symbol(bound, b));
}

Test(dim, types_are_shown_as_written) {
  Text text = {0};
  const Dim *size[2] = {symbol("B"), number(28)};
  Type type = type_of(DTYPE_F32, 2, size);
  type_print(&type, &text);
  type = type_of(DTYPE_I32, 1, size), type.bound = number(10);
  text_add(&text, " "), type_print(&type, &text);
  type = type_of(DTYPE_BOOL, 2, size);
  text_add(&text, " "), type_print(&type, &text);
  type = type_scalar(DTYPE_F64), type.running = true;
  text_add(&text, " "), type_print(&type, &text);
  cr_expect_str_eq(text_string(&text), "[B, 28] int<10>[B] bool[B, 28] []");
  text_free(&text);
}

Test(op, table_follows_the_rows) {
  cr_expect_str_eq(op_table[OP_NEG].name, "neg");
  cr_expect_str_eq(op_table[OP_CUMSUM].name, "cumsum");
  cr_expect_eq(op_by_name("max"), OP_MAX);
  cr_expect_eq(op_by_name("matmul"), OP_COUNT);
  cr_expect(op_table[OP_LOG].guard && op_table[OP_LOG].gradient);
  cr_expect(!op_table[OP_FLOOR].gradient && !op_table[OP_EQ].gradient && op_table[OP_ADD].gradient);
  cr_expect(op_takes(OP_ADD, DTYPE_I32) && !op_takes(OP_ADD, DTYPE_BOOL) && !op_takes(OP_EXP, DTYPE_I64));
}
