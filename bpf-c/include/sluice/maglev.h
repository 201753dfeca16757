/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Maglev tables. maglev: array by service ID of arrays of words, two to an element (the kernel
 * rounds elements up to 8 bytes). A table is written whole before it is put into its place, and
 * never changed after, so whoever looks it up once has head, slots and span of one generation
 * (MAG-4).
 *
 * Words: the head, then for each slot an index in backends4 or backends6, in a span that belongs to
 * this table. The element there may be dead by now (is_live_backend): the table is the cluster's,
 * and what a node knows by itself comes first.
 *
 * A table that replaces another remembers where each moved slot led before, with as many words more
 * as there are slots: for flows older than the change whose node has died (MAG-3). These elements
 * may be backends that are no longer the service's, and are still there to serve what they have.
 */
#pragma once

#include "types.h"

enum maglev_head {
	MAGLEV_LAYOUT = 0, /* enum maglev_layout */
	MAGLEV_SIZE = 1,   /* slots; 0: no backends */
	MAGLEV_BASE = 2,   /* first element of the span */
	MAGLEV_COUNT = 3,  /* elements of the span */
	MAGLEV_GEN_LOW = 4,
	MAGLEV_GEN_HIGH = 5, /* the cluster's generation, 64 bits */
	MAGLEV_PREVIOUS = 6, /* the word of the first slot's former backend; 0: there are none */
	MAGLEV_SLOTS = 8,    /* the first slot */
};

/* What the words mean; another meaning is another number. */
enum maglev_layout {
	MAGLEV_LAYOUT_1 = 1,
};

/* In place of a former backend: the slot has not moved. */
enum maglev_unmoved {
	MAGLEV_UNMOVED = 0xffffffff,
};

struct maglev_words {
	__u32 word[2];
};
ASSERT_SIZE(struct maglev_words, 8);
