/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What limits of the endpoints at either end mean for a new flow: asked once, and kept by the
 * flow's entries. Most endpoints have none, and pay for one look at an interface's flags.
 */
#pragma once

#include "tc_new_flow.h"

/* The workload that this hook is about: who sends at host-ingress, who gets at host-egress. */
static __always_inline __u32 *own_state(struct pkt *p)
{
	return settings.hook == HOOK_IN ? &p->sender_state : &p->receiver_state;
}

/* What the flow's entries are to say of both ends for the sake of limits and marks. */
static __noinline int note_limits(const struct __sk_buff *skb, struct pkt *p)
{
	const struct iface *own = iface_of(skb->ifindex), *target;
	const struct F(addr) *other;

	if (!p || !own)
		return 0;
	if (settings.hook == HOOK_IN && p->flags & PKT_DST_LOCAL) {
		target = iface_of(p->dst_ifindex);
		if (target && target->flags & IFACE_PACED)
			p->receiver_state |= CT_PACED_A;
	}
	if (!(own->flags & IFACE_WORKLOAD))
		return 0;
	if (own->flags & IFACE_PACED)
		*own_state(p) |= CT_PACED_A;
	if (own->flags & IFACE_DSCP) {
		other = part_of(settings.hook == HOOK_IN ? &p->daddr : &p->saddr);
		if (is_outside(route_to(other)))
			*own_state(p) |= CT_DSCP_A;
	}
	return 0;
}

enum qos_slot {
	QOS_UNLIMITED = 0,
	QOS_TAKEN = 1,
	QOS_REFUSED = 2,
};

/* One of the connections that an interface may have open, by who opens it: enum sluice_hook. */
static __noinline int qos_take_slot(__u32 ifindex, __u32 hook)
{
	struct qos_key key = {.ifindex = ifindex, .hook = hook};
	const struct qos_limit *limit = bpf_map_lookup_elem(&qos, &key);
	struct qos_use *use = bpf_map_lookup_elem(&qos_use, &key);
	__u32 most, adjust;
	int result = QOS_TAKEN;

	if (!limit || !use || !limit->connections)
		return QOS_UNLIMITED;
	most = limit->connections;
	adjust = limit->adjust;
	bpf_spin_lock(&use->lock);
	if ((__s64)(__s32)(use->taken - use->freed + adjust) < (__s64)most) {
		use->taken++;
	} else {
		use->refused++;
		result = QOS_REFUSED;
	}
	bpf_spin_unlock(&use->lock);
	return result;
}

static __always_inline int counts_connections(const struct __sk_buff *skb, const struct pkt *p)
{
	const struct iface *own = iface_of(skb->ifindex);

	return own && own->flags & IFACE_CONNECTIONS && p->proto == IPPROTO_TCP &&
	       is_initial_syn(p->tcp_flags);
}

/*
 * A flow that opens takes one of its endpoint's connections. Returns 0 if there is none left: what
 * is known of the flow, then, is that the endpoint has reset it.
 */
static __always_inline int take_slot(const struct __sk_buff *skb, struct pkt *p)
{
	int result = QOS_UNLIMITED;

	if (counts_connections(skb, p))
		result = qos_take_slot(skb->ifindex, settings.hook & 1);
	if (result == QOS_TAKEN)
		*own_state(p) |= CT_SLOT_A;
	else if (result == QOS_REFUSED)
		*own_state(p) |= CT_RST_A;
	return result != QOS_REFUSED;
}

/* For a flow that no entry was made for after all. */
static __always_inline void return_slot(const struct __sk_buff *skb, const struct pkt *p)
{
	if ((p->sender_state | p->receiver_state) & CT_SLOT_A)
		qos_free_slot(skb->ifindex, settings.hook & 1);
}

/* The same at the receiver, for a flow that the sender's program has made the entry of. */
static __always_inline int take_slot_late(const struct __sk_buff *skb, struct pkt *p,
					  const struct flow *f, struct F(ct_value) *e)
{
	__u32 own = !f->side, was;
	int result;

	if (settings.hook != HOOK_OUT || !counts_connections(skb, p) ||
	    e->c.state & (CT_NAT_FORWARD | of_side(CT_SLOT_A | CT_OPENER_A, own)))
		return 1;
	result = qos_take_slot(skb->ifindex, HOOK_OUT);
	if (result == QOS_TAKEN) {
		was = __sync_fetch_and_or(&e->c.state, of_side(CT_SLOT_A, own));
		if (was & of_side(CT_SLOT_A, own))
			qos_free_slot(skb->ifindex, HOOK_OUT);
	} else if (result == QOS_REFUSED) {
		__sync_fetch_and_or(&e->c.state, of_side(CT_RST_A, own));
		ct_release(&e->c);
	}
	return result != QOS_REFUSED;
}

/* No connection is left: as if nobody listened. */
static __always_inline int refuse(struct __sk_buff *skb, struct pkt *p)
{
	p->reason = REASON_CONNECTIONS;
	return enter(skb, PROG_ALLOWED, PROG_REFUSE);
}
