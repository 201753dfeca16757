/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * PROG_ALLOWED and PROG_DROP, the two continuations of policy. Allowed: a new flow gets its
 * entries, a known one this endpoint's approval; then the packet goes on by its entry.
 */
#pragma once

#include <asm-generic/errno-base.h>

#include "tc_limits.h"

/* Source ports to try for a flow that is not unique after translation (SVC-9). */
#define PSNAT_TRIES 8

/* The node of the side that lives behind the tunnel. */
static __always_inline struct F(addr) tunnel_peer(const struct pkt *p)
{
	struct F(addr) none = {};

	return p->flags & PKT_TO_TUNNEL || sent_by_node(p) ? narrow(&p->peer) : none;
}

/* Whether one side is reached by the forwarding network. */
static __always_inline int is_forwarded(const struct pkt *p)
{
	return p->flags & PKT_FORWARD && (p->flags & PKT_TO_TUNNEL || sent_by_node(p));
}

/* Where what the host itself opens goes to. */
static __always_inline __u32 ifindex_from_host(__u32 here, const struct pkt *p)
{
	if (p->flags & PKT_TO_TUNNEL)
		return p->dst_ifindex;
	if (p->flags & PKT_DST_HOST)
		return LOOPBACK_IFINDEX;
	if (p->flags & PKT_DST_LOCAL)
		return p->flags & PKT_DST_READY ? p->dst_ifindex : CT_IF_UNKNOWN;
	return here;
}

/* By a host interface: left to the host stack as if no program were there. */
static __always_inline int leave_alone(struct __sk_buff *skb, __u32 prog, __u32 reason)
{
	/* Programs do not look twice at what comes round by loopback. */
	set_mark(skb, settings.hook == HOOK_IN		 ? MARK_SEEN
		      : skb->ifindex == LOOPBACK_IFINDEX ? MARK_BYPASS
							 : 0);
	return pass(skb, prog, reason);
}

/*
 * Host-egress of a host interface: the end of every packet with an entry. What the host stack has
 * routed out goes, unless it is for a service, or an answer that its ingress node is to hand on.
 */
static __always_inline int leave(struct __sk_buff *skb, __u32 prog, const struct flow *f,
				 const struct F(ct_value) *e)
{
	__u32 state = e->c.state, to = e->c.ifindex[!f->side], reason;
	int translates = ct_translates(state, f->side),
	    opener = state & of_side(CT_OPENER_A, f->side);
	int tunneled = state & CT_FORWARD && state & of_side(CT_TUNNEL_A, !f->side) &&
		       !is_direct_return(state, f->side);
	ip_header *ip = ip_of(skb);

	if (!ip)
		return drop(skb, prog, REASON_MALFORMED);
	if (tunneled && is_too_big(skb, f) && !may_be_fragmented(ip))
		return answer_icmp(skb, prog, f, REASON_TOO_BIG, 0);
	if (translates) {
		reason = translate(skb, f, e);
		if (reason)
			return drop(skb, prog, reason);
	}
	if (tunneled)
		return send_to_node(skb, prog, &e->tunnel_peer, TUNNEL_VNI_FORWARD);
	/* Answers, and what is for no service, are on their way already. */
	if (!translates || !opener)
		return leave_alone(skb, prog, REASON_STACK);
	if (to == CT_IF_UNKNOWN || to == CT_IF_STACK)
		return drop(skb, prog, REASON_WORKLOAD_GONE);
	if (is_beyond_host(state, !f->side, to))
		return redirect_beyond_host(skb, prog, to);
	set_mark(skb, MARK_SEEN);
	return redirect_to(skb, prog, to);
}

/* The end of a packet on a host interface that PROG_ALLOWED has made an entry for. */
static __noinline int finish_outside(struct __sk_buff *skb, const struct flow *f,
				     const struct F(ct_value) *e)
{
	return settings.hook == HOOK_IN ? forward(skb, PROG_OUTSIDE, f, e, BY_PROGRAM)
					: leave(skb, PROG_OUTSIDE, f, e);
}

/* Fills what the entries of a new flow have in common, for a sender on "side". */
static __always_inline void fill_common(const struct __sk_buff *skb, const struct pkt *p,
					struct ct_common *c, __u32 side)
{
	__u32 here = skb->ifindex;
	__u32 from, to, state = of_side(CT_OPENER_A | CT_APPROVED_A, side);

	if (settings.hook == HOOK_OUT && p->flags & PKT_HOST_IFACE) {
		from = here == LOOPBACK_IFINDEX ? LOOPBACK_IFINDEX : CT_IF_STACK;
		to = ifindex_from_host(here, p);
		if (to != LOOPBACK_IFINDEX && to == here)
			state |= of_side(CT_OUT_A, !side);
		if (!(p->flags & PKT_DST_LOCAL))
			state |= of_side(CT_APPROVED_A, !side);
		state |= CT_EGRESS | (p->flags & PKT_SRC_HOST ? 0 : CT_TRANSIT);
	} else if (settings.hook == HOOK_IN) {
		from = p->flags & PKT_BOUNCED ? p->src_ifindex : here;
		if (p->flags & (PKT_HOST_IFACE | PKT_BOUNCED))
			state |= of_side(CT_OUT_A, side);
		if (p->flags & PKT_TO_TUNNEL)
			to = p->dst_ifindex;
		else if (!(p->flags & PKT_DST_LOCAL))
			to = CT_IF_STACK;
		else
			to = p->flags & PKT_DST_READY ? p->dst_ifindex : CT_IF_UNKNOWN;
		/* No program of ours will be asked, or it is the same pod: nobody is left to ask.
		 */
		if (!(p->flags & PKT_DST_LOCAL) || p->flags & PKT_HAIRPIN)
			state |= of_side(CT_APPROVED_A, !side);
	} else {
		from = CT_IF_STACK;
		to = here;
		state |= of_side(CT_APPROVED_A, !side);
	}
	if (sent_by_node(p))
		state |= of_side(CT_TUNNEL_A, side);
	if (is_forwarded(p))
		state |= CT_FORWARD;
	if (p->flags & PKT_DSR)
		state |= CT_DSR;
	if (p->flags & PKT_MAGLEV)
		state |= CT_MAGLEV;
	if (p->flags & PKT_MASQ)
		state |= CT_MASQ;
	if (p->flags & PKT_TO_TUNNEL)
		state |= of_side(CT_TUNNEL_A, !side);
	if (p->flags & PKT_SYN)
		state |= of_side(CT_SYN_A, side);
	if (p->flags & PKT_HAIRPIN)
		state |= CT_HAIRPIN;
	if (p->flags & PKT_DIRECT)
		state |= CT_DIRECT;
	state |= of_side(p->sender_state, side) | of_side(p->receiver_state, !side);
	c->last_seen = c->created = now();
	c->state = state;
	c->route_epoch = p->route_epoch;
	c->ifindex[0] = side ? to : from;
	c->ifindex[1] = side ? from : to;
	c->service = p->service;
	c->backend = p->backend;
	c->gen = p->gen;
	c->csum_addr = c->csum_port = 0;
}

/* Whether an entry in the way of a new flow's tracking entry may be replaced. */
static __always_inline int is_replaceable(const struct F(ct_value) *e, const struct pkt *p)
{
	const struct F(addr) *saddr = part_of(&p->orig_saddr), *daddr = part_of(&p->orig_daddr);

	if (p->proto == IPPROTO_TCP && ct_closed(e->c.state))
		return 1;
	/* Its forward twin would have been hit: it is gone. */
	return (e->c.state & CT_NAT_REVERSE) && addr_equal(&e->x.daddr, saddr) &&
	       addr_equal(&e->x.saddr, daddr) && e->x.dport == p->orig_sport &&
	       e->x.sport == p->orig_dport;
}

static __always_inline void fill_csums(const struct pkt *p, const struct F(addr) *saddr,
				       const struct F(addr) *daddr, __be16 sport,
				       struct ct_common *c)
{
	const struct F(addr) *orig_saddr = part_of(&p->orig_saddr);
	const struct F(addr) *orig_daddr = part_of(&p->orig_daddr);

	/* Answers are translated from this tuple back to the original one. */
	c->csum_addr =
	    csum_fold(csum_replace_addr(saddr, orig_saddr) + csum_replace_addr(daddr, orig_daddr));
	c->csum_port = csum_fold(csum_replace16(sport, p->orig_sport) +
				 csum_replace16(p->dport, p->orig_dport));
}

/*
 * The tracking entry of a translated flow, under a tuple that nobody else has: if need be with
 * another source port. Fills key and entry as made. Returns 0 or a reason to drop.
 */
static __always_inline __u32 make_tracking(const struct __sk_buff *skb, const struct pkt *p,
					   struct F(ct_key) *key, struct F(ct_value) *made)
{
	const struct F(addr) *saddr = part_of(&p->saddr), *daddr = part_of(&p->daddr);
	__u32 range = settings.psnat_last - settings.psnat_first + 1, start = 0;
	__be16 sport = p->sport;
	/* Of a direct flow, its own port is another's. */
	int own = p->flags & PKT_DIRECT && sport == p->orig_sport ? 0 : 1;

	for (int i = 0; i <= PSNAT_TRIES; i++) {
		struct F(ct_value) *other;
		long failed;
		__u32 side;

		if (i == own)
			start = bpf_get_prandom_u32();
		if (i >= own)
			sport = bpf_htons(settings.psnat_first + (start + i) % (range ? range : 1));
		side = make_key(key, saddr, sport, daddr, p->dport, p->proto);
		fill_common(skb, p, &made->c, side);
		made->tunnel_peer = tunnel_peer(p);
		__builtin_memset(made->rsvd, 0, sizeof(made->rsvd));
		made->c.state |= CT_NAT_REVERSE | (sport != p->orig_sport ? CT_SRC_PORT : 0);
		fill_csums(p, saddr, daddr, sport, &made->c);
		made->x.saddr = narrow(&p->orig_daddr);
		made->x.daddr = narrow(&p->orig_saddr);
		made->x.sport = p->orig_dport;
		made->x.dport = p->orig_sport;
		failed = bpf_map_update_elem(&F(ct), key, made, BPF_NOEXIST);
		if (!failed)
			return 0;
		if (failed != -EEXIST)
			return REASON_CT_FULL;
		other = ct_lookup(key);
		if (other && is_replaceable(other, p)) {
			ct_delete(key, other);
			if (!bpf_map_update_elem(&F(ct), key, made, BPF_NOEXIST))
				return 0;
		}
	}
	return REASON_CT_CONFLICT;
}

/* A new flow's entries while they are made: too large for the stack of a program that calls others.
 */
struct F(making) {
	struct F(ct_key) tracking_key;
	struct F(ct_key) forward_key;
	struct F(ct_value) tracking;
	struct F(ct_value)
	    entry; /* the one that the packet itself goes by: normal or NAT forward */
};

MAP_ARRAY(F(making), BPF_MAP_TYPE_PERCPU_ARRAY, struct F(making), 1);

/*
 * A pair, tracking entry first, so that nobody meets a forward entry alone (CT-1). Not static, for
 * the verifier's sake: see resolve().
 */
__noinline int create_pair(const struct __sk_buff *skb, const struct pkt *p, struct F(making) *m)
{
	struct F(ct_value) *other;
	__u32 reason;
	long failed;

	if (!p || !m)
		return REASON_NO_PROGRAM;
	reason = make_tracking(skb, p, &m->tracking_key, &m->tracking);
	if (reason)
		return reason;
	ct_make_twin(&m->tracking_key, &m->tracking, &m->forward_key, &m->entry);
	failed = bpf_map_update_elem(&F(ct), &m->forward_key, &m->entry, BPF_NOEXIST);
	if (!failed)
		return 0;
	/* The flow's next packet was faster, on another CPU: then its pair is the flow's. */
	other = failed == -EEXIST ? ct_lookup(&m->forward_key) : NULL;
	if (!other || !addr_equal(&other->x.daddr, &m->entry.x.daddr) ||
	    other->x.dport != m->entry.x.dport || other->x.sport != m->entry.x.sport) {
		bpf_map_delete_elem(&F(ct), &m->tracking_key);
		return_slot(skb, p);
	}
	if (!other)
		return REASON_CT_FULL;
	m->entry = *other;
	return 0;
}

static __noinline __u32 create_normal(const struct __sk_buff *skb, const struct pkt *p,
				      const struct flow *f, struct F(ct_value) *e)
{
	long failed;

	__builtin_memset(e, 0, sizeof(*e));
	fill_common(skb, p, &e->c, f->side);
	e->tunnel_peer = tunnel_peer(p);
	if (p->flags & PKT_FORWARD) {
		e->x.daddr = narrow(&p->daddr);
		e->x.dport = p->dport;
	}
	failed = bpf_map_update_elem(&F(ct), &f->key, e, BPF_NOEXIST);
	/* If another CPU was faster, it came to the same. */
	if (failed == -EEXIST)
		return_slot(skb, p);
	return !failed || failed == -EEXIST ? 0 : REASON_CT_FULL;
}

/* From now on packets without entry look for direct flows. */
static __always_inline void count_direct(void)
{
	__u32 index = CT_DIRECTS_MADE;
	__u32 *made = bpf_map_lookup_elem(&F(directs), &index);

	if (made)
		__sync_fetch_and_add(made, 1);
}

/* Out of the way of its successor, which keeps a direct flow's source port. */
static __noinline int replace_stale(struct pkt *p, const struct flow *f)
{
	const struct F(addr) *daddr = part_of(&p->daddr);
	struct F(ct_value) *stale = ct_lookup(&f->key);

	if (!stale)
		return 0;
	if (p->flags & PKT_DIRECT && stale->c.state & CT_NAT_FORWARD &&
	    addr_equal(&stale->x.daddr, daddr) && stale->x.dport == p->dport)
		p->sport = stale->x.sport;
	ct_delete(&f->key, stale);
	return 0;
}

/* The entry or entries of a new flow. Returns 0 or a reason to drop. */
static __always_inline __u32 create(const struct __sk_buff *skb, struct pkt *p,
				    const struct flow *f, struct F(making) *m)
{
	/* What is forwarded is left untranslated, whoever has its tuple behind a translation. */
	int pair = p->flags & PKT_NAT || (p->flags & (PKT_DIRECT | PKT_FORWARD)) == PKT_DIRECT;
	__u32 reason;

	reason = pair ? create_pair(skb, p, m) : create_normal(skb, p, f, &m->entry);
	/* Once it is there: who sees the counter grow later than the entries looks at them again.
	 */
	if (p->flags & PKT_DIRECT && !reason)
		count_direct();
	return reason;
}

static __always_inline void approve_side(struct ct_common *c, __u32 bits)
{
	__sync_fetch_and_or(&c->state, bits);
	if (c->state & CT_REVOKED && (c->state & CT_APPROVED) == CT_APPROVED)
		__sync_fetch_and_and(&c->state, ~CT_REVOKED);
}

/*
 * Notes that the endpoint behind this hook approves the flow, on both twins. "bits": what else is
 * true of its side, as if it were side A.
 */
static __always_inline void approve(const struct __sk_buff *skb, const struct flow *f,
				    struct F(ct_value) *e, __u32 bits)
{
	__u32 own = settings.hook == HOOK_IN ? f->side & 1 : !f->side;
	int from_opener = !!(e->c.state & of_side(CT_OPENER_A, own));
	struct F(ct_key) twin_key;
	struct F(ct_value) *twin;

	e->c.ifindex[own] = skb->ifindex;
	approve_side(&e->c, of_side(CT_APPROVED_A | bits, own));
	if (!(e->c.state & CT_NAT))
		return;
	ct_twin_key(e, f->proto, &twin_key);
	twin = ct_lookup(&twin_key);
	if (twin) {
		__u32 opener = ct_opener(twin->c.state);

		own = from_opener ? opener : !opener;
		twin->c.ifindex[own & 1] = skb->ifindex;
		approve_side(&twin->c, of_side(CT_APPROVED_A | bits, own));
	}
}

/* The same of the host interface that the opener's packets leave by. */
static __noinline int let_out(const struct flow *f, struct F(ct_value) *e)
{
	struct F(ct_key) twin_key;
	struct F(ct_value) *twin;

	if (!(e->c.state & CT_REVOKED)) {
		__sync_fetch_and_or(&e->c.state, CT_EGRESS);
		return 0;
	}
	approve_side(&e->c, CT_EGRESS | of_side(CT_APPROVED_A, !f->side));
	if (!(e->c.state & CT_NAT))
		return 0;
	ct_twin_key(e, f->proto, &twin_key);
	twin = ct_lookup(&twin_key);
	if (twin)
		approve_side(&twin->c,
			     CT_EGRESS | of_side(CT_APPROVED_A, !ct_opener(twin->c.state)));
	return 0;
}

/*
 * A note of a packet that a policy's rule wants noted; debug variants write one of every packet. To
 * be called before anything else is done: what would have to be kept over it takes stack.
 */
static __noinline void note_logged(const struct __sk_buff *skb, __u32 prog)
{
	const struct pkt *p = packet_state();

	if (!settings.debug && p && p->flags & PKT_LOG)
		write_event(skb, prog,
			    prog == PROG_DROP ? p->reason & (REASON_COUNT - 1) : REASON_UNUSED);
}

SEC("tc")
int prog_allowed(struct __sk_buff *skb)
{
	struct pkt *p;
	struct F(making) *m;
	struct F(ct_value) *e;
	__u32 zero = 0, reason;
	struct flow f;
	int refused = 0;

	note_logged(skb, PROG_ALLOWED);
	p = packet_state();
	m = bpf_map_lookup_elem(&F(making), &zero);
	if (!p || !m)
		return drop(skb, PROG_ALLOWED, REASON_NO_PROGRAM);
	saved_flow(p, &f);
	note_limits(skb, p);
	if (p->flags & PKT_NEW) {
		/* Before its connection is counted: what it replaces holds one. */
		if (p->flags & PKT_STALE)
			replace_stale(p, &f);
		refused = !take_slot(skb, p);
		if (refused && settings.hook == HOOK_IN)
			return refuse(skb, p);
		reason = create(skb, p, &f, m);
		if (reason) {
			return_slot(skb, p);
			return drop(skb, PROG_ALLOWED, reason & (REASON_COUNT - 1));
		}
		e = &m->entry;
	} else {
		e = ct_lookup(&f.key);
		if (!e)
			return drop(skb, PROG_ALLOWED, REASON_CT_FULL);
		if (p->flags & PKT_HOST_IFACE && settings.hook == HOOK_OUT) {
			let_out(&f, e);
		} else {
			if (p->flags & PKT_HOST_IFACE)
				p->sender_state |= CT_OUT_A;
			approve(skb, &f, e,
				settings.hook == HOOK_IN ? p->sender_state : p->receiver_state);
			refused = !take_slot_late(skb, p, &f, e);
		}
	}
	if (refused)
		return refuse(skb, p);
	if (settings.hook == HOOK_IN && e->c.state & of_side(CT_DSCP_A, f.side & 1))
		set_dscp(skb);
	if (p->flags & (PKT_HOST_IFACE | PKT_BOUNCED))
		return finish_outside(skb, &f, e);
	return finish(skb, PROG_ALLOWED, &f, e, BY_PROGRAM);
}

/*
 * Host-ingress of a host interface: TCP in mid-flow that is for no service. It may be of a flow
 * that is older than the dataplane, which kernel conntrack would know (TAB-1).
 */
static __always_inline int is_left_to_tables(const struct pkt *p)
{
	return settings.hook == HOOK_IN && p->flags & PKT_HOST_IFACE && p->flags & PKT_NEW &&
	       p->proto == IPPROTO_TCP && !(p->flags & PKT_SYN) && !p->service;
}

SEC("tc")
int prog_drop(struct __sk_buff *skb)
{
	struct pkt *p = packet_state();

	note_logged(skb, PROG_DROP);
	if (p && is_left_to_tables(p)) {
		set_mark(skb, MARK_SEEN | MARK_FALLTHROUGH);
		return pass(skb, PROG_DROP, REASON_FALLTHROUGH);
	}
	return drop(skb, PROG_DROP, p ? p->reason & (REASON_COUNT - 1) : REASON_POLICY);
}
