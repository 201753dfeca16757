/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Rewriting a packet's addresses and ports by what its conntrack entry says.
 */
#pragma once

#include "conntrack_ops.h"

/* skb->ip_summed (include/linux/skbuff.h): how far the packet's transport checksum is. */
enum ip_summed {
	CHECKSUM_NONE = 0,
	CHECKSUM_UNNECESSARY = 1,
	CHECKSUM_COMPLETE = 2, /* skb->csum is the sum of the packet from the IP header on */
	CHECKSUM_PARTIAL = 3,  /* the field holds the pseudo header's sum, not complemented */
};

/* The one field of the kernel's struct sk_buff that is read; found by CO-RE. */
struct sk_buff {
	__u8 ip_summed : 2;
} __attribute__((preserve_access_index));

/* Since Linux 6.2. settings.kern_ctx says whether it may be called. */
extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;

static __always_inline __u32 ip_summed(struct __sk_buff *skb)
{
	const struct sk_buff *kernel_skb = bpf_cast_to_kern_ctx(skb);

	return BPF_CORE_READ_BITFIELD(kernel_skb, ip_summed);
}

static __always_inline __u32 l4_csum_offset(__u8 proto)
{
	return proto == IPPROTO_TCP	      ? 16
	       : proto == IPPROTO_UDP	      ? 6
	       : proto == IPPROTO_ICMP_FAMILY ? 2
					      : 0;
}

/*
 * Adds to skb->csum where that is the packet's sum (CHECKSUM_COMPLETE), and does nothing elsewhere:
 * for changes that the packet's own checksums do not make up for.
 */
static __always_inline void add_to_packet_sum(struct __sk_buff *skb, __u32 sum)
{
	bpf_csum_update(skb, csum_fold(sum));
}

/* SCTP's CRC covers the ports but no address. Whoever leaves it to hardware overwrites it later. */
static __noinline int sctp_crc(struct __sk_buff *skb, const struct flow *f, __u32 change,
			       __u32 length)
{
	__u32 crc;

	if (!change)
		return 0;
	if (bpf_skb_load_bytes(skb, f->l4 + 8, &crc, sizeof(crc)))
		return -1;
	/* RFC 9260 sends the CRC's bytes with the least significant first. */
	crc ^= __cpu_to_le32(crc32c_change(change, length - 4));
	return bpf_skb_store_bytes(skb, f->l4 + 8, &crc, sizeof(crc), BPF_F_RECOMPUTE_CSUM);
}

/*
 * Transport checksum and ports by helpers, which look at ip_summed themselves. For kernels without
 * bpf_cast_to_kern_ctx, and for protocols whose packets are few.
 */
static __noinline int translate_l4_by_helpers(struct __sk_buff *skb, const struct flow *f,
					      const struct F(ct_value) *e, __u32 length)
{
	__be16 ports[2] = {e->x.sport, e->x.dport};
	__u32 old = (__u32)f->sport | (__u32)f->dport << 16;
	__u32 new = (__u32)ports[0] | (__u32)ports[1] << 16;
	__u32 check = f->l4 + l4_csum_offset(f->proto);
	__u64 udp = f->proto == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
	__u16 old_check = 0;

	/* In a packet's sum, IPv6 addresses and the transport checksum cancel each other out, where
	 * there is one; the helper, which knows IPv4 only, takes the addresses off all the same.
	 */
	if (SLUICE_FAMILY == 6)
		add_to_packet_sum(skb, e->c.csum_addr);
	if (f->proto == IPPROTO_SCTP)
		return bpf_skb_store_bytes(skb, f->l4, ports, sizeof(ports),
					   BPF_F_RECOMPUTE_CSUM) ||
		       sctp_crc(skb, f, old ^ new, length);
	if (f->proto != IPPROTO_TCP && f->proto != IPPROTO_UDP)
		return 0;
	if (f->proto == IPPROTO_UDP &&
	    bpf_skb_load_bytes(skb, check, &old_check, sizeof(old_check)))
		return -1;
	if (f->proto == IPPROTO_UDP && !old_check)
		return bpf_skb_store_bytes(skb, f->l4, ports, sizeof(ports), BPF_F_RECOMPUTE_CSUM);
	return bpf_l4_csum_replace(skb, check, 0, e->c.csum_addr, BPF_F_PSEUDO_HDR | udp) ||
	       bpf_l4_csum_replace(skb, check, 0, e->c.csum_port, udp) ||
	       bpf_skb_store_bytes(skb, f->l4, ports, sizeof(ports), 0);
}

/*
 * The same in registers: what an established flow's packet pays. Sizes and offsets are constants of
 * the protocol, one call each, so that the verifier knows them. Returns 0, or -1 if the header is
 * cut off.
 */
static __always_inline int translate_l4(struct __sk_buff *skb, const struct flow *f, __u32 size,
					__u32 check_offset, const struct F(ct_value) *e)
{
	void *l4 = l4_of(skb, f);
	__u16 *check = l4 + check_offset;
	__u32 difference = e->c.csum_addr;
	struct tcphdr *ports = l4;
	__u32 summed;

	if (l4 + size > packet_end(skb))
		return -1;
	summed = ip_summed(skb);
	ports->source = e->x.sport;
	ports->dest = e->x.dport;
	if (summed == CHECKSUM_PARTIAL) {
		*check = csum_fold(*check + difference);
		return 0;
	}
	/* UDP over IPv4 may go without (RFC 768). */
	if (size == UDP_SIZE && !*check) {
		if (summed == CHECKSUM_COMPLETE)
			add_to_packet_sum(skb,
					  (SLUICE_FAMILY == 6 ? difference : 0) + e->c.csum_port);
		return 0;
	}
	/* The sum of an IPv4 header stays; IPv6 addresses and the checksum cancel each other out.
	 */
	if (SLUICE_FAMILY == 4 && summed == CHECKSUM_COMPLETE)
		bpf_csum_update(skb, (__u16)~difference);
	*check = csum_apply(*check, difference + e->c.csum_port);
	if (size == UDP_SIZE && !*check)
		*check = 0xffff;
	return 0;
}

static __always_inline void translate_ip(ip_header *ip, const struct F(ct_value) *e)
{
	*(struct F(addr) *)&ip->saddr = e->x.saddr;
	*(struct F(addr) *)&ip->daddr = e->x.daddr;
#if SLUICE_FAMILY == 4
	ip->check = csum_apply(ip->check, e->c.csum_addr);
#endif
}

/* One hop less. The caller has seen that there is one to take. */
static __always_inline void decrement_ttl(struct __sk_buff *skb, ip_header *ip)
{
	/* TTL, and IPv6's hop limit, share a 16-bit word with a byte that stays. */
#if SLUICE_FAMILY == 4
	ip->ttl--;
	ip->check = csum_apply(ip->check, (__u16)~bpf_htons(0x0100));
#else
	ip->hop_limit--;
	if (!settings.kern_ctx || ip_summed(skb) == CHECKSUM_COMPLETE)
		add_to_packet_sum(skb, (__u16)~bpf_htons(0x0001));
#endif
	(void)skb;
}

static __always_inline __u8 ttl_of(const ip_header *ip)
{
#if SLUICE_FAMILY == 4
	return ip->ttl;
#else
	return ip->hop_limit;
#endif
}

/* Length of the transport header and all behind it, by the IP header. */
static __always_inline __u32 l4_length(const struct flow *f, const ip_header *ip)
{
#if SLUICE_FAMILY == 4
	__u32 end = ETH_HLEN + bpf_ntohs(ip->tot_len);
#else
	__u32 end = ETH_HLEN + sizeof(*ip) + bpf_ntohs(ip->payload_len);
#endif
	return end - f->l4;
}

/*
 * Translates a packet of a flow whose entry says so. Packet pointers are to be taken anew after it.
 * Returns 0, or REASON_REWRITE.
 */
static __always_inline __u32 translate(struct __sk_buff *skb, const struct flow *f,
				       const struct F(ct_value) *e)
{
	ip_header *ip = ip_of(skb);
	__u32 length;

	if (!ip)
		return REASON_REWRITE;
	length = l4_length(f, ip);
	translate_ip(ip, e);
	if (settings.kern_ctx && f->proto == IPPROTO_TCP)
		return translate_l4(skb, f, TCP_SIZE, 16, e) ? REASON_REWRITE : 0;
	if (settings.kern_ctx && f->proto == IPPROTO_UDP)
		return translate_l4(skb, f, UDP_SIZE, 6, e) ? REASON_REWRITE : 0;
	return translate_l4_by_helpers(skb, f, e, length) ? REASON_REWRITE : 0;
}
