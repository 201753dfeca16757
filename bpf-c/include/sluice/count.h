/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How a packet's way through a hook ends: it is counted under one reason, the debug variant writes
 * an event, and the verdict goes to the kernel.
 */
#pragma once

#include <linux/pkt_cls.h>

#include "maps.h"
#include "settings.h"

const volatile struct settings settings;

/*
 * clang 14 shares the address of a field between accesses to it in several branches; the verifier
 * takes fields of the context at constant offsets only. After this it cannot.
 */
#define OWN_ACCESS(skb) asm volatile("" : "+r"(skb))

static __always_inline void count(const struct __sk_buff *skb, __u32 reason)
{
	__u32 index = settings.hook * REASON_COUNT + reason;
	struct counter *counter = bpf_map_lookup_elem(&counters, &index);

	if (counter) {
		counter->packets++;
		counter->bytes += skb->len;
	}
}

static __noinline void write_event(const struct __sk_buff *skb, __u32 prog, __u32 reason)
{
	__u32 zero = 0;
	struct pkt *p = bpf_map_lookup_elem(&pkt, &zero);
	struct event *e;

	if (!p)
		return;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e)
		return;
	e->time_ns = bpf_ktime_get_ns();
	e->saddr = p->orig_saddr;
	e->daddr = p->orig_daddr;
	e->sport = p->orig_sport;
	e->dport = p->orig_dport;
	e->proto = p->proto;
	e->hook = settings.hook;
	e->family = SLUICE_FAMILY;
	e->prog = prog;
	e->ifindex = skb->ifindex;
	e->reason = reason;
	e->length = skb->len;
	e->mark = skb->mark;
	bpf_ringbuf_submit(e, 0);
}

/* Ends the packet's way: counts it under "reason" and returns "verdict" (TC_ACT_*). */
static __always_inline int end(const struct __sk_buff *skb, __u32 prog, __u32 reason, int verdict)
{
	count(skb, reason);
	if (settings.debug)
		write_event(skb, prog, reason);
	return verdict;
}

/* Passed on: the next program on the hook, if there is one, sees the packet too. */
static __always_inline int pass(const struct __sk_buff *skb, __u32 prog, __u32 reason)
{
	return end(skb, prog, reason, TC_ACT_UNSPEC);
}

static __always_inline int drop(const struct __sk_buff *skb, __u32 prog, __u32 reason)
{
	return end(skb, prog, reason, TC_ACT_SHOT);
}

/* Sets the bits of "mark" within the reserved mask, and clears the others there. */
static __always_inline void set_mark(struct __sk_buff *skb, __u32 mark)
{
	OWN_ACCESS(skb);
	skb->mark = (skb->mark & ~MARK_MASK) | mark;
}

/* The index of a sub-program of this family and variant; a constant to the verifier. */
static __always_inline __u32 prog_index(__u32 prog)
{
	return prog + (SLUICE_FAMILY == 4 ? PROG_FAMILY4 : PROG_FAMILY6) +
	       (settings.debug ? PROG_DEBUG : 0);
}

/* Enters another sub-program; comes back only when that is missing. */
static __always_inline int enter(struct __sk_buff *skb, __u32 from, __u32 prog)
{
	bpf_tail_call(skb, &progs, prog_index(prog));
	return drop(skb, from, REASON_NO_PROGRAM);
}
