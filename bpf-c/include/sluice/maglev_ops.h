/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Reading Maglev tables. Include after maps.h. */
#pragma once

#include "maglev.h"

/* A word of a table; 0 beyond its end. */
static __always_inline __u32 maglev_word(void *table, __u32 number)
{
	__u32 element = number >> 1;
	const struct maglev_words *words = bpf_map_lookup_elem(table, &element);

	return words ? words->word[number & 1] : 0;
}

/*
 * The slot of a flow: an index in the backends array of the service's family, and that of the
 * slot's former backend, or MAGLEV_UNMOVED. Returns 0 if the service has no table, or an empty one.
 * The hash is scaled to the size instead of divided.
 */
static __always_inline int maglev_find(void *table, __u32 hash, __u32 *index, __u32 *former)
{
	__u32 size = maglev_word(table, MAGLEV_SIZE), slot, second;

	if (!size || maglev_word(table, MAGLEV_LAYOUT) != MAGLEV_LAYOUT_1)
		return 0;
	slot = ((__u64)hash * size) >> 32;
	*index = maglev_word(table, MAGLEV_SLOTS + slot);
	second = maglev_word(table, MAGLEV_PREVIOUS);
	*former = second ? maglev_word(table, second + slot) : MAGLEV_UNMOVED;
	return 1;
}
