/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Who may send: other nodes by the tunnel, and the outside on host interfaces (RFC 3704; RPF-2).
 */
#pragma once

#include "forward.h"

/* Address families of bpf_fib_lookup (sys/socket.h). */
#define FIB_AF_INET  2
#define FIB_AF_INET6 10

/* An address of a node of the cluster: another's. */
static __always_inline int is_node(const struct F(addr) *addr)
{
	return lives_on(route_to(addr), addr);
}

/* An address of the cluster's hosts, whichever node's. */
static __always_inline int is_cluster_host(const struct F(route) *route)
{
	return route && !(route->flags & ROUTE_WORKLOAD) &&
	       (route->flags & ROUTE_LOCAL || !is_any(&route->next_hop));
}

/* Multicast and broadcast are nobody's flow. */
static __always_inline int is_group(const struct F(addr) *addr)
{
	return SLUICE_FAMILY == 4 ? (addr->w[0] & bpf_htonl(0xe0000000)) == bpf_htonl(0xe0000000)
				  : (addr->w[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000);
}

/* A question to the kernel's routes: too large for the stack of programs that call others. */
struct fib_question {
	struct bpf_fib_lookup fib;
};

MAP_ARRAY(fib_question, BPF_MAP_TYPE_PERCPU_ARRAY, struct fib_question, 1);

/* Fills a question: by which way the kernel would forward from "saddr" to "daddr". */
static __always_inline void ask_fib(struct bpf_fib_lookup *fib, __u32 ifindex,
				    const struct F(addr) *saddr, const struct F(addr) *daddr)
{
	__builtin_memset(fib, 0, sizeof(*fib));
	fib->ifindex = ifindex;
#if SLUICE_FAMILY == 4
	fib->family = FIB_AF_INET;
	fib->ipv4_src = saddr->w[0];
	fib->ipv4_dst = daddr->w[0];
#else
	fib->family = FIB_AF_INET6;
	__builtin_memcpy(fib->ipv6_src, saddr, sizeof(fib->ipv6_src));
	__builtin_memcpy(fib->ipv6_dst, daddr, sizeof(fib->ipv6_dst));
#endif
}

/* Host-ingress: whether the kernel takes a packet for its own, or at least forwards it nowhere. */
static __noinline int is_delivered_here(struct __sk_buff *skb, const struct F(addr) *saddr,
					const struct F(addr) *daddr)
{
	__u32 zero = 0;
	struct fib_question *question = bpf_map_lookup_elem(&fib_question, &zero);
	int result;

	if (!saddr || !daddr || !question)
		return 1;
	ask_fib(&question->fib, skb->ifindex, saddr, daddr);
	result = bpf_fib_lookup(skb, &question->fib, sizeof(question->fib), 0);
	return result == BPF_FIB_LKUP_RET_NOT_FWDED || result == BPF_FIB_LKUP_RET_FWD_DISABLED;
}

/* Whether what answers "saddr" is routed back by this interface (strict), or at all (loose). */
static __noinline int is_routed_back(struct __sk_buff *skb, const struct F(addr) *saddr,
				     const struct F(addr) *daddr, int strict)
{
	__u32 zero = 0;
	struct fib_question *question = bpf_map_lookup_elem(&fib_question, &zero);
	struct bpf_fib_lookup *fib;
	int result;

	if (!saddr || !daddr || !question)
		return 0;
	fib = &question->fib;
	ask_fib(fib, skb->ifindex, daddr, saddr);
	result = bpf_fib_lookup(skb, fib, sizeof(*fib), 0);
	switch (result) {
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return !strict || fib->ifindex == skb->ifindex;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		/* A host that does not forward cannot say. */
		return 1;
	default:
		return 0;
	}
}

/*
 * From outside, on a host interface. What has no address yet, or one of the link, needs no route.
 * Returns 0, or a reason to drop.
 */
static __always_inline __u32 judge_outside(const struct __sk_buff *skb, const struct iface *iface,
					   const struct F(addr) *saddr, const struct F(addr) *daddr)
{
	int strict = !!(iface->flags & IFACE_RPF_STRICT);

	/* No pod of this node sends from outside, whatever is enforced. */
	if (is_local_workload(route_to(saddr)))
		return REASON_HOST_RPF;
	if (!(iface->flags & (IFACE_RPF_STRICT | IFACE_RPF_LOOSE)) || is_any(saddr) ||
	    is_link_local(saddr))
		return 0;
	return is_routed_back((struct __sk_buff *)skb, saddr, daddr, strict) ? 0 : REASON_HOST_RPF;
}
