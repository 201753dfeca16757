/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The only program that is attached to interfaces: one for each hook, shared by all of them. It
 * finds the interface's configuration and enters the log filter or main, by a constant index.
 */
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <sluice/iface_ops.h>

static __always_inline int is_arp(const struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_ARP);
}

SEC("tc")
int preamble(struct __sk_buff *skb)
{
	struct iface *iface = iface_of(skb->ifindex);
	__u32 family, debug, main;

	/* Configured before it is attached: what is not, is being taken down. Fail closed. */
	if (!iface)
		return drop(skb, PROG_MAIN, REASON_NO_IFACE);
	if (skb->protocol == bpf_htons(ETH_P_IP))
		family = PROG_FAMILY4;
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		family = PROG_FAMILY6;
	else if (is_arp(skb))
		return pass(skb, PROG_MAIN, REASON_NOT_TRACKED);
	else
		return drop(skb, PROG_MAIN, REASON_NOT_IP);
	debug = iface->flags & IFACE_DEBUG ? PROG_DEBUG : 0;
	main = iface->flags & IFACE_TUNNEL ? PROG_TUNNEL : PROG_MAIN;
	if (iface->flags & IFACE_LOG_FILTER) {
		skb->cb[CB_ALLOW] = family + main;
		skb->cb[CB_DENY] = family + main + PROG_DEBUG;
		bpf_tail_call(skb, &policies, iface->filter_slot[settings.hook & 1]);
	} else if (debug) {
		bpf_tail_call(skb, &progs, family + main + PROG_DEBUG);
	}
	/* A constant each, for a direct jump; and where the debug variant is not loaded (OBS-2). */
	if (main == PROG_TUNNEL && family == PROG_FAMILY4)
		bpf_tail_call_static(skb, &progs, PROG_FAMILY4 + PROG_TUNNEL);
	else if (main == PROG_TUNNEL)
		bpf_tail_call_static(skb, &progs, PROG_FAMILY6 + PROG_TUNNEL);
	else if (family == PROG_FAMILY4)
		bpf_tail_call_static(skb, &progs, PROG_FAMILY4 + PROG_MAIN);
	else
		bpf_tail_call_static(skb, &progs, PROG_FAMILY6 + PROG_MAIN);
	return drop(skb, PROG_MAIN, REASON_NO_PROGRAM);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
