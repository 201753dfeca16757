/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The only program that is attached to interfaces: one for each hook, shared by all of them. It
 * finds the interface's configuration and enters the log filter or main, by a constant index.
 */
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <sluice/iface_ops.h>
#include <sluice/rates.h>

static __always_inline int is_arp(const struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_ARP);
}

/* What few interfaces have, so that all others pay one test for it. */
#define IFACE_SPECIAL (IFACE_LOG_FILTER | IFACE_DEBUG | IFACE_TUNNEL | IFACE_HOST | IFACE_QOS)

static __always_inline __u32 main_of(const struct iface *iface)
{
	return iface->flags & IFACE_TUNNEL ? PROG_TUNNEL
	       : iface->flags & IFACE_HOST ? PROG_HOST
					   : PROG_MAIN;
}

/* What XDP has left before the packet: it has asked the interface's untracked policy (XDP-1). */
static __always_inline int is_allowed_by_xdp(const struct __sk_buff *skb)
{
	const struct xdp_meta *meta = (const void *)(long)skb->data_meta;
	const void *packet = (const void *)(long)skb->data;

	return (const void *)(meta + 1) <= packet && meta->verdict == XDP_META_ALLOWED;
}

static __always_inline void note_xdp(struct __sk_buff *skb)
{
	__u32 allowed = is_allowed_by_xdp(skb) ? MARK_BYPASS_XDP : 0;

	OWN_ACCESS(skb);
	skb->mark = (skb->mark & ~MARK_BYPASS_XDP) | allowed;
}

/*
 * XDP-2: to the stack as if no program were there, for kernel conntrack and third parties' DNAT.
 * Where a policy is in force it comes first: then programs track the interface's flows.
 */
static __always_inline int is_forced(const struct iface *iface)
{
	return iface->flags & IFACE_FORCE_TRACK && !iface->policy_slot[HOOK_IN];
}

/* Returns to a caller that goes on with main: where the debug variant is not loaded (OBS-2). */
static __always_inline void enter_special(struct __sk_buff *skb, const struct iface *iface,
					  __u32 family)
{
	__u32 main = family + main_of(iface);

	if (iface->flags & IFACE_LOG_FILTER) {
		skb->cb[CB_ALLOW] = main;
		skb->cb[CB_DENY] = main + PROG_DEBUG;
		bpf_tail_call(skb, &policies, iface->filter_slot[settings.hook & 1]);
	} else if (iface->flags & IFACE_DEBUG) {
		bpf_tail_call(skb, &progs, main + PROG_DEBUG);
	}
	if (iface->flags & IFACE_TUNNEL && family == PROG_FAMILY4)
		bpf_tail_call_static(skb, &progs, PROG_FAMILY4 + PROG_TUNNEL);
	else if (iface->flags & IFACE_TUNNEL)
		bpf_tail_call_static(skb, &progs, PROG_FAMILY6 + PROG_TUNNEL);
	else if (iface->flags & IFACE_HOST && family == PROG_FAMILY4)
		bpf_tail_call_static(skb, &progs, PROG_FAMILY4 + PROG_HOST);
	else if (iface->flags & IFACE_HOST)
		bpf_tail_call_static(skb, &progs, PROG_FAMILY6 + PROG_HOST);
}

SEC("tc")
int preamble(struct __sk_buff *skb)
{
	struct iface *iface = iface_of(skb->ifindex);
	__u32 family;

	/* Configured before it is attached: what is not, is being taken down. Fail closed. */
	if (!iface)
		return drop(skb, PROG_MAIN, REASON_NO_IFACE);
	if (skb->protocol == bpf_htons(ETH_P_IP))
		family = PROG_FAMILY4;
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		family = PROG_FAMILY6;
	else if (is_arp(skb))
		return pass(skb, PROG_MAIN, REASON_NOT_TRACKED);
	else if (iface->flags & IFACE_HOST)
		return pass(skb, PROG_HOST, REASON_NOT_TRACKED);
	else
		return drop(skb, PROG_MAIN, REASON_NOT_IP);
	if (iface->flags & IFACE_SPECIAL) {
		if (settings.hook == HOOK_IN &&
		    iface->flags & (IFACE_UNTRACKED | IFACE_FORCE_TRACK)) {
			if (is_forced(iface)) {
				set_mark(skb, 0);
				return pass(skb, PROG_HOST, REASON_STACK);
			}
			note_xdp(skb);
		}
		if (iface->flags & IFACE_QOS) {
			__u32 reason = qos_judge(skb);

			if (reason)
				return drop(skb, PROG_MAIN, reason & (REASON_COUNT - 1));
		}
		enter_special(skb, iface, family);
		if (iface->flags & (IFACE_TUNNEL | IFACE_HOST))
			return drop(skb, main_of(iface), REASON_NO_PROGRAM);
	}
	/* A constant each, for a direct jump. */
	if (family == PROG_FAMILY4)
		bpf_tail_call_static(skb, &progs, PROG_FAMILY4 + PROG_MAIN);
	else
		bpf_tail_call_static(skb, &progs, PROG_FAMILY6 + PROG_MAIN);
	return drop(skb, PROG_MAIN, REASON_NO_PROGRAM);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
