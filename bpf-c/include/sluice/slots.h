/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Connections that flows hold of their endpoints' limits (qos.h), and giving them back.
 */
#pragma once

#include "count.h"

/* Bits of a side, from those of side A. */
static __always_inline __u32 of_side(__u32 bits_of_a, __u32 side)
{
	return bits_of_a << side;
}

#define CT_SLOT (CT_SLOT_A | CT_SLOT_B)

/* What a former owner of the interface's index had taken was never counted here: not below 0. */
static __noinline int qos_free_slot(__u32 ifindex, __u32 hook)
{
	struct qos_key key = {.ifindex = ifindex, .hook = hook};
	const struct qos_limit *limit = bpf_map_lookup_elem(&qos, &key);
	struct qos_use *use = bpf_map_lookup_elem(&qos_use, &key);
	__u32 adjust = limit ? limit->adjust : 0;

	if (!use)
		return 0;
	bpf_spin_lock(&use->lock);
	if ((__s32)(use->taken - use->freed + adjust) > 0)
		use->freed++;
	bpf_spin_unlock(&use->lock);
	return 0;
}

/*
 * Gives back what a flow's entry holds of its endpoints' connections, once: who takes the flag off
 * returns the slot. Only the tracking entry's flags count.
 */
static __noinline int ct_release(struct ct_common *c)
{
	__u32 held;

	if (!c || !(c->state & CT_SLOT) || c->state & CT_NAT_FORWARD)
		return 0;
	held = __sync_fetch_and_and(&c->state, ~CT_SLOT);
	for (int side = 0; side < 2; side++)
		if (held & of_side(CT_SLOT_A, side))
			qos_free_slot(c->ifindex[side],
				      held & of_side(CT_OPENER_A, side) ? HOOK_IN : HOOK_OUT);
	return 0;
}
