/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Conntrack: sides, twins, creation, and state. conntrack.h says what entries mean.
 */
#pragma once

#include "csum.h"
#include "slots.h"

static __always_inline __u32 ct_opener(__u32 state)
{
	return state & CT_OPENER_B ? CT_SIDE_B : CT_SIDE_A;
}

#define CT_APPROVED (CT_APPROVED_A | CT_APPROVED_B)
#define CT_NAT	    (CT_NAT_FORWARD | CT_NAT_REVERSE)
#define CT_TUNNEL   (CT_TUNNEL_A | CT_TUNNEL_B)
#define CT_OUT	    (CT_OUT_A | CT_OUT_B)

/* What takes a flow off the fast path: few have any of it, and the others pay nothing for it. */
#define CT_ASIDE (CT_PACED_A | CT_PACED_B | CT_DSCP_A | CT_DSCP_B)

/* Whether packets that "side" sends are translated by this entry: forward the opener's, reverse the
 * other's. */
static __always_inline int ct_translates(__u32 state, __u32 side)
{
	__u32 from_opener = state & of_side(CT_OPENER_A, side);

	return from_opener ? !!(state & CT_NAT_FORWARD) : !!(state & CT_NAT_REVERSE);
}

/*
 * Whether "side", which opened the flow, used to send straight out by a host interface that has to
 * be asked again: until that one lets it, its packets go by the stack, and to that interface.
 */
static __always_inline int is_way_out_closed(__u32 state, __u32 side)
{
	return !(state & CT_EGRESS) && state & of_side(CT_OPENER_A, side & 1) &&
	       state & of_side(CT_OUT_A, !side);
}

/*
 * Whether "side" answers somebody beyond a host interface that does not approve the flow any more:
 * no other program would look at what it sends.
 */
static __always_inline int is_unheard(__u32 state, __u32 side)
{
	return !(state & of_side(CT_OPENER_A, side & 1)) && state & of_side(CT_OUT_A, !side) &&
	       !(state & of_side(CT_APPROVED_A, !side));
}

/*
 * Whether what "side" sends goes to the client past the node that the flow entered by (DSR-1). What
 * comes to that node all the same, such as errors, is handed on there.
 */
static __always_inline int is_direct_return(__u32 state, __u32 side)
{
	return state & CT_DSR && !(state & of_side(CT_OPENER_A, side)) &&
	       state & of_side(CT_TUNNEL_A, !side);
}

/* TCP: both sides have closed, or one has torn the connection down. Reset counts at once. */
static __always_inline int ct_closed(__u32 state)
{
	return (state & (CT_RST_A | CT_RST_B)) ||
	       (state & (CT_FIN_A | CT_FIN_B)) == (CT_FIN_A | CT_FIN_B);
}

/* TCP: the agent has torn it down, for an end's address is nobody's any more (CT_ENDED). */
static __always_inline int ct_ended(__u32 state)
{
	const __u32 all = CT_REVOKED | CT_RST_A | CT_RST_B;

	return (state & all) == all;
}

static __always_inline jiffies32 now(void)
{
	return bpf_jiffies64();
}

static __always_inline struct F(ct_value) *ct_lookup(const struct F(ct_key) *key)
{
	return bpf_map_lookup_elem(&F(ct), key);
}

/* The key of an entry's twin; only for NAT entries. */
static __always_inline __u32 ct_twin_key(const struct F(ct_value) *e, __u8 proto,
					 struct F(ct_key) *twin)
{
	const struct F(ct_tuple) *x = &e->x;
	__u32 side = make_key(twin, &x->saddr, x->sport, &x->daddr, x->dport, proto);

	twin->direct = e->c.state & CT_NAT_REVERSE && e->c.state & CT_DIRECT;
	return side;
}

/* State bits with the sides changed over. */
static __always_inline __u32 ct_swap_sides(__u32 state)
{
	const __u32 a = CT_SYN_A | CT_FIN_A | CT_RST_A | CT_APPROVED_A | CT_OPENER_A | CT_TUNNEL_A |
			CT_OUT_A | CT_PACED_A | CT_DSCP_A | CT_SLOT_A;
	const __u32 b = a << 1;

	return (state & ~(a | b)) | (state & a) << 1 | (state & b) >> 1;
}

/*
 * Makes a NAT entry's twin from the entry alone. This is how pairs are made (the tracking entry
 * first), and how a pair that the kernel's LRU has torn is made whole.
 *
 * key: of e. Fills twin_key and twin.
 */
static __always_inline void ct_make_twin(const struct F(ct_key) *key, const struct F(ct_value) *e,
					 struct F(ct_key) *twin_key, struct F(ct_value) *twin)
{
	__u32 state = e->c.state, opener = ct_opener(state);
	/* The side that sends what e.x translates to, and the sender in the twin's key. */
	__u32 sender = state & CT_NAT_FORWARD ? opener : !opener;
	__u32 twin_sender = ct_twin_key(e, key->proto, twin_key);

	/* The twin translates the other direction, to the tuple that this key stands for. */
	twin->x.saddr = sender ? key->addr[0] : key->addr[1];
	twin->x.daddr = sender ? key->addr[1] : key->addr[0];
	twin->x.sport = sender ? key->port[0] : key->port[1];
	twin->x.dport = sender ? key->port[1] : key->port[0];
	twin->c = e->c;
	twin->c.csum_addr = ~e->c.csum_addr;
	twin->c.csum_port = ~e->c.csum_port;
	if (sender != twin_sender) {
		state = ct_swap_sides(state);
		twin->c.ifindex[0] = e->c.ifindex[1];
		twin->c.ifindex[1] = e->c.ifindex[0];
	}
	twin->c.state = state ^ CT_NAT;
	twin->tunnel_peer = e->tunnel_peer;
	__builtin_memset(twin->rsvd, 0, sizeof(twin->rsvd));
}

/* Deletes an entry and its twin. */
static __always_inline void ct_delete(const struct F(ct_key) *key, struct F(ct_value) *e)
{
	struct F(ct_value) *other;

	ct_release(&e->c);
	if (e->c.state & CT_NAT) {
		struct F(ct_key) twin;

		ct_twin_key(e, key->proto, &twin);
		other = e->c.state & CT_NAT_FORWARD ? ct_lookup(&twin) : NULL;
		if (other)
			ct_release(&other->c);
		bpf_map_delete_elem(&F(ct), &twin);
	}
	bpf_map_delete_elem(&F(ct), key);
}

/*
 * Once a second for a flow in use: both twins are alive together, for the cleaner and for the
 * kernel's LRU alike. A twin that the LRU has evicted is made anew.
 */
static __noinline void ct_refresh(const struct F(ct_key) *key, struct F(ct_value) *e)
{
	struct F(ct_value) *twin, made;
	struct F(ct_key) twin_key;

	e->c.last_seen = now();
	if (!(e->c.state & CT_NAT))
		return;
	ct_twin_key(e, key->proto, &twin_key);
	twin = ct_lookup(&twin_key);
	if (twin) {
		twin->c.last_seen = e->c.last_seen;
		return;
	}
	ct_make_twin(key, e, &twin_key, &made);
	bpf_map_update_elem(&F(ct), &twin_key, &made, BPF_NOEXIST);
}

static __always_inline int ct_stale(const struct F(ct_value) *e)
{
	return now() - e->c.last_seen >= settings.hz;
}

/*
 * Whether the flow's backend is still one of its service's; for a flow without service, whether
 * it still has none to look for. Either is one comparison of generations.
 */
static __always_inline int ct_backend_alive(const struct ct_common *c)
{
	__u32 index = c->backend;
	struct backend_gen *alive = bpf_map_lookup_elem(&backend_gen, &index);

	return alive && alive->gen == c->gen;
}

static __always_inline struct node_state *node_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&node, &zero);
}
