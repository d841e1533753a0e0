# Builds build/lathe and everything around it; `make help` lists the targets.
#
# What the machine offers is written once to $(BUILD)/config.mk, which is included below: make reads itself again
# after making it, so a fresh machine gets its packages before any flag is asked for.

BUILD   ?= build
PREFIX  ?= /usr/local
VERSION := 0.1.0
CFLAGS  ?= -O2 -g
ifeq ($(origin CC),default)
CC := gcc
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

MAKEFLAGS += -r
GOALS := $(or $(MAKECMDGOALS),all)
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

# asan is test in a folder of its own, with the sanitizers' flags.
ifneq ($(filter asan,$(GOALS)),)
override BUILD := $(BUILD)/asan
override CFLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
endif

LATHE := $(BUILD)/lathe
TESTS := $(BUILD)/tests/all

# ---- what there is to compile ----

FOLDERS   := base lang parser graph autodiff backends backends/cpu interpreter \
             $(patsubst %/,%,$(wildcard interpreter/*/))
SOURCES   := $(wildcard $(addsuffix /*.c,$(FOLDERS)))
LEVELLED  := $(wildcard backends/cpu/level_*.c)
GENERATED := $(patsubst %.re,$(BUILD)/%.c,$(wildcard parser/*.re)) \
             $(patsubst %.y,$(BUILD)/%.c,$(wildcard parser/*.y)) $(BUILD)/stdlib.c $(BUILD)/hooks_prelude.c
GENERATED_HEADERS := $(patsubst %.y,$(BUILD)/%.h,$(wildcard parser/*.y))
STDLIB    := $(sort $(wildcard stdlib/*.model))
TESTED    := $(wildcard tests/*.c tests/unit/*.c)
BENCHED   := $(wildcard bench/*.c)

# Levelled sources become one object for each CPU level, the others one.
ifneq ($(filter x86_64%,$(shell uname -m)),)
LEVELS := 0 2 3 4
else
LEVELS := 0
endif
MARCH_0 :=
MARCH_2 := -march=x86-64-v2
MARCH_3 := -march=x86-64-v3
MARCH_4 := -march=x86-64-v4 -mprefer-vector-width=512
LEVEL_FLAGS := -O3 -fno-math-errno -fno-trapping-math

PLAIN   := $(filter-out $(LEVELLED),$(SOURCES))
OBJECTS := $(PLAIN:%.c=$(BUILD)/%.o) $(GENERATED:.c=.o) \
           $(foreach level,$(LEVELS),$(LEVELLED:%.c=$(BUILD)/%_$(level).o))
MAIN    := $(BUILD)/interpreter/main.o
PARTS   := $(filter-out $(MAIN),$(OBJECTS))

WARNINGS := -Wall -Wextra -Wshadow -Wconversion
COMPILE   = $(CC) -std=gnu17 $(WARNINGS) -ffp-contract=off -I. -D_GNU_SOURCE -DLATHE_VERSION='"$(VERSION)"' -I$(BUILD) $(LIBRARY_CFLAGS) $(CFLAGS) $(CPPFLAGS)
LINK      = $(CC) $(CFLAGS) $(LDFLAGS) -Wl,--as-needed

ifneq ($(V),)
say = $(1)
else
say = @printf '  %-6s %s\n' '$(2)' '$(3)'; $(1)
endif

# ---- targets for people ----

.PHONY: all help demo test stress oom asan lint bench bless install clean deps-test deps-lint

all: $(LATHE) ## build/lathe

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16
	@echo '  CC, CFLAGS, BUILD (the folder), PREFIX and V=1 (print commands) can be set'

demo: $(LATHE) ## trains on handwritten digits, shows what came out, and uses it
	$(LATHE) run examples/digits.model
	$(DEMO_USE)

DEMO_USE = $(LATHE) predict examples/digits.model --weights digits.json --out predictions.csv

test: $(TESTS) $(LATHE) ## runs every test
	@LATHE=$(abspath $(LATHE)) $(TESTS)

stress: $(TESTS) $(LATHE) ## checkpoints, signals, damage and failing disks in their larger numbers
	@STRESS=1 LATHE=$(abspath $(LATHE)) $(TESTS) --filter '@(checkpoints|interruptions|power_loss)/*'

oom: $(LATHE) $(BUILD)/failing.so ## every single allocation of check, train, predict, export and load fails once
	@LATHE=$(abspath $(LATHE)) FAILING=$(abspath $(BUILD)/failing.so) tests/oom/run.sh

$(BUILD)/failing.so: tests/oom/failing.c
	$(call say,$(CC) -O2 -shared -fPIC $(WARNINGS) $< -o $@,link,$@)

asan: $(TESTS) $(LATHE) ## every test under the address, undefined and leak sanitizers
	@rm -f $(BUILD)/report.*
	@ASAN_OPTIONS=allocator_may_return_null=1:log_path=$(abspath $(BUILD))/report UBSAN_OPTIONS=print_stacktrace=1 \
	  LATHE=$(abspath $(LATHE)) $(TESTS)
	@if ls $(BUILD)/report.* >/dev/null 2>&1; then cat $(BUILD)/report.*; exit 1; fi

bless: $(TESTS) $(LATHE) ## rewrites the expected texts of tests/ and docs/reference.md: read the diff
	@$(LATHE) help reference > docs/reference.md
	@BLESS=1 LATHE=$(abspath $(LATHE)) $(TESTS) --filter 'texts/*'

bench: $(BENCHED:%.c=$(BUILD)/%) $(LATHE) ## the benchmarks
	@$(foreach program,$(BENCHED:%.c=$(BUILD)/%),LATHE=$(abspath $(LATHE)) $(program) &&) true
	@LATHE=$(LATHE) bench/speed.sh

install: $(LATHE) ## to PREFIX/bin
	install -D -m 755 $(LATHE) $(DESTDIR)$(PREFIX)/bin/lathe

clean: ## removes what was built
	rm -rf $(BUILD)

# ---- what the machine offers ----

ifneq ($(filter-out help clean,$(GOALS)),)
include $(BUILD)/config.mk
endif

# Goals that promise to work on a fresh machine install; the others only say what is missing.
INSTALLING := $(if $(filter demo test stress asan lint bless bench,$(GOALS)),,--check)

$(BUILD)/config.mk: Makefile scripts/deps
	@scripts/deps $(INSTALLING) build
	@mkdir -p $(@D)
	@multiarch=$$($(CC) -print-multiarch 2>/dev/null || true); \
	PKG_CONFIG_PATH="/usr/lib/$$multiarch/openblas-pthread/pkgconfig:$$PKG_CONFIG_PATH"; export PKG_CONFIG_PATH; \
	packages="zlib libcjson openblas lua5.4"; \
	pkg-config --print-errors --exists $$packages || exit 1; \
	folder=$$(pkg-config --variable=libdir openblas); \
	case $$folder in *openblas-pthread*) path="-Wl,-rpath,$${folder%/}" ;; *) path= ;; esac; \
	edit=; if pkg-config --exists libedit; then packages="$$packages libedit"; edit=-DLATHE_LIBEDIT; fi; \
	{ echo "LIBRARY_CFLAGS := $$edit $$(pkg-config --cflags $$packages)"; \
	  echo "LIBRARIES := $$(pkg-config --libs $$packages) $$path -lm -lpthread"; } >$@; \
	echo "  found  $$(for p in $$packages; do printf '%s %s, ' $$p $$(pkg-config --modversion $$p); done)" | sed 's/, $$//'

deps-test: | $(BUILD)/config.mk
	@scripts/deps test

deps-lint: | $(BUILD)/config.mk
	@scripts/deps lint

# ---- objects ----

$(OBJECTS): $(BUILD)/config.mk | $(GENERATED_HEADERS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,$(COMPILE) -MMD -MP -c $< -o $@,cc,$<)

$(BUILD)/%.o: $(BUILD)/%.c
	@mkdir -p $(@D)
	$(call say,$(COMPILE) -MMD -MP -c $< -o $@,cc,$<)

define levelled
$(BUILD)/%_$(1).o: %.c
	@mkdir -p $$(@D)
	$$(call say,$$(COMPILE) $$(LEVEL_FLAGS) $$(MARCH_$(1)) -DSTRIP_LEVEL=$(1) -MMD -MP -c $$< -o $$@,cc,$$< (level $(1)))
endef
$(foreach level,$(LEVELS),$(eval $(call levelled,$(level))))

$(BUILD)/parser/%.c: parser/%.re
	@mkdir -p $(@D)
	$(call say,re2c -W --no-debug-info -o $@ $<,re2c,$<)

$(BUILD)/parser/%.c $(BUILD)/parser/%.h: parser/%.y
	@mkdir -p $(@D)
	$(call say,bison -Wall --header=$(BUILD)/parser/$*.h -o $(BUILD)/parser/$*.c $<,bison,$<)

# The standard library as bytes, with its names and lengths (interpreter/stdlib.h).
$(BUILD)/stdlib.c: $(STDLIB)
	@mkdir -p $(@D)
	$(call say,{ \
	  echo '#include "interpreter/stdlib.h"'; \
	  i=0; for file in $(STDLIB); do \
	    echo "static const char text_$$i[] = {"; od -An -v -td1 $$file | sed 's/[-0-9][0-9]*/&$(comma)/g'; \
	    echo "0};"; i=$$((i + 1)); done; \
	  echo "const int stdlib_count = $(words $(STDLIB));"; \
	  echo "const char *const stdlib_name[] = {$(foreach file,$(STDLIB),\"$(notdir $(file))\"$(comma)) 0};"; \
	  echo "const char *const stdlib_text[] = {$$(j=0; while [ $$j -lt $$i ]; do echo text_$$j$(comma); j=$$((j + 1)); done) 0};"; \
	  echo "const size_t stdlib_length[] = {$$(j=0; while [ $$j -lt $$i ]; do echo sizeof text_$$j - 1$(comma); j=$$((j + 1)); done) 0};"; \
	} >$@,embed,stdlib)

# What scripts may call beside Lua's own functions (interpreter/hooks/sandbox.c).
$(BUILD)/hooks_prelude.c: interpreter/hooks/prelude.lua
	@mkdir -p $(@D)
	$(call say,{ echo '#include <stddef.h>'; echo "extern const char hooks_prelude_text[]; extern const size_t hooks_prelude_length;"; \
	  echo "const char hooks_prelude_text[] = {"; od -An -v -td1 $< | sed 's/[-0-9][0-9]*/&$(comma)/g'; echo "0};"; \
	  echo "const size_t hooks_prelude_length = sizeof hooks_prelude_text - 1;"; } >$@,embed,$<)

comma := ,

# ---- programs ----

$(LATHE): $(OBJECTS)
	$(call say,$(LINK) $^ -o $@ $(LIBRARIES),link,$@)

TEST_OBJECTS := $(TESTED:%.c=$(BUILD)/%.o)
$(TEST_OBJECTS): $(BUILD)/config.mk | deps-test $(GENERATED_HEADERS)

$(TESTS): $(TEST_OBJECTS) $(PARTS)
	$(call say,$(LINK) $^ -o $@ -lcriterion $(LIBRARIES),link,$@)

$(BENCHED:%.c=$(BUILD)/%): $(BUILD)/%: $(BUILD)/%.o $(PARTS)
	$(call say,$(LINK) $^ -o $@ $(LIBRARIES),link,$@)

# ---- lint ----

CHECKED := $(PLAIN) $(LEVELLED) $(TESTED) $(BENCHED)
LAID_OUT := $(wildcard $(addsuffix /*.c,$(FOLDERS) tests tests/unit bench) $(addsuffix /*.h,$(FOLDERS) tests tests/unit bench))
SYNTAX = -std=gnu17 -D_GNU_SOURCE -DLATHE_VERSION='"$(VERSION)"' $(WARNINGS) -Werror -fsyntax-only -I. -I$(BUILD) $(LIBRARY_CFLAGS) -DSTRIP_LEVEL=0

lint: $(GENERATED) $(GENERATED_HEADERS) | deps-lint deps-test ## include directions, layout, cppcheck, warnings of gcc and clang
	scripts/lint-includes
	clang-format --dry-run -Werror $(LAID_OUT)
	@for c in gcc clang; do echo "$$c -fsyntax-only"; \
	  printf '%s\n' $(CHECKED) $(GENERATED) | xargs -P 2 -n 8 $$c $(SYNTAX) -O2 || exit 1; done
	cppcheck --quiet --error-exitcode=1 --std=c11 -j 2 --enable=warning,performance,portability \
	  --inline-suppr -I. -I$(BUILD) -DSTRIP_LEVEL=0 --suppress=missingIncludeSystem $(PLAIN)

-include $(OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d) $(BENCHED:%.c=$(BUILD)/%.d)
