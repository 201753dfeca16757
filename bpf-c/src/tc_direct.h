/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Direct flows (CT_DIRECT, SVC-9): whose entry it is that a packet's tuple has. */
#pragma once

#include <sluice/rpf.h>

/* The only TCP packet that may open a flow. */
static __always_inline int is_initial_syn(__u8 tcp_flags)
{
	return (tcp_flags & (TCP_CHANGES_STATE | TCP_ACK)) == TCP_SYN;
}

/*
 * Whether a packet is of the direction in which a direct flow (CT_DIRECT) bears its client's own
 * tuple at this hook. What a program has let in on its way here has been translated by it: that is
 * how answers look at host-egress, and what the opener sends does not.
 */
static __always_inline int may_be_direct(const struct __sk_buff *skb, int opener)
{
	int seen = !!(skb->mark & MARK_SEEN);

	return settings.hook == HOOK_IN ? opener && !seen : opener != seen;
}

/*
 * Whether a packet that hits a tracking entry is none of its flow. That flow's own packets bear
 * this tuple behind translation only: its client sends another, and gets answers from another.
 */
static __always_inline int is_taken(const struct __sk_buff *skb, __u32 side,
				    const struct F(ct_value) *e)
{
	__u32 state = e->c.state;

	return state & CT_NAT_REVERSE &&
	       may_be_direct(skb, !!(state & of_side(CT_OPENER_A, side & 1)));
}

/* Whether there may be any direct flow. */
static __always_inline int has_directs(void)
{
	__u32 made_index = CT_DIRECTS_MADE, over_index = CT_DIRECTS_OVER;
	const __u32 *made = bpf_map_lookup_elem(&F(directs), &made_index);
	const __u32 *over = bpf_map_lookup_elem(&F(directs), &over_index);

	return made && over && *made != *over;
}

/*
 * The entry of a packet whose tuple has none, or one that is taken for another flow's. Without, and
 * if the tuple is taken, the flow's key is to be a direct one (SVC-9).
 */
static __noinline struct F(ct_value) *find_direct(const struct __sk_buff *skb, struct flow *f,
						  struct F(ct_value) *taken)
{
	__u32 side = f->side & 1;
	struct F(ct_value) *e;

	if (has_directs()) {
		f->key.direct = 1;
		e = ct_lookup(&f->key);
		/* What the backend sends by itself is no answer of the flow: that has another port.
		 */
		if (e && may_be_direct(skb, !!(e->c.state & of_side(CT_OPENER_A, side))))
			return e;
		f->key.direct = 0;
	}
	if (!taken)
		return NULL;
	/* Answers need a flow that they are of; and what is closed is in nobody's way. */
	if (!(taken->c.state & of_side(CT_OPENER_A, side)) ||
	    (is_initial_syn(f->tcp_flags) && ct_closed(taken->c.state)))
		return taken;
	f->key.direct = 1;
	return NULL;
}
