/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * From a packet to its flow: headers, ports, and the normalised conntrack key.
 *
 * Every header is checked twice: against the end of the linear data (the verifier insists), and
 * against the length that the IP header states, for what lies behind that is padding.
 */
#pragma once

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>

#include "count.h"
#include "protocols.h"

/* Bits of byte 13 of a TCP header (RFC 9293, 3.1). */
enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_ACK = 0x10,
	TCP_CHANGES_STATE = TCP_FIN | TCP_SYN | TCP_RST,
};

struct icmp_header {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__be16 id; /* echo */
	__be16 sequence;
};

/* Bytes of a transport header that are looked at. */
enum l4_size {
	TCP_SIZE = 20,
	UDP_SIZE = 8,
	ICMP_SIZE = 8,
	SCTP_SIZE = 12,
};

enum parse_result {
	PARSE_FLOW = 0,
	PARSE_NOT_TRACKED = 1, /* neighbour discovery and the like */
	PARSE_ICMP_ERROR = 2,
	PARSE_DROP = 3, /* for flow.reason */
};

#if SLUICE_FAMILY == 4
typedef struct iphdr ip_header;
#else
typedef struct ipv6hdr ip_header;
#endif

/* A packet's flow. */
struct flow {
	struct F(ct_key) key;
	__u32 side; /* enum ct_side: who sent this packet */
	__u32 l4;   /* offset of the transport header from the start of the packet */
	__be16 sport;
	__be16 dport;
	__u8 proto;
	__u8 tcp_flags; /* 0 unless TCP */
	__u8 icmp_type;
	__u8 icmp_code;
	__u32 reason; /* enum sluice_reason, with PARSE_DROP */
};

static __always_inline const struct F(addr) *ip_saddr(const ip_header *ip)
{
	return (const struct F(addr) *)&ip->saddr;
}

static __always_inline const struct F(addr) *ip_daddr(const ip_header *ip)
{
	return (const struct F(addr) *)&ip->daddr;
}

static __always_inline int addr_equal(const struct F(addr) *a, const struct F(addr) *b)
{
	__u32 difference = 0;

	for (int i = 0; i < ADDR_WORDS; i++)
		difference |= a->w[i] ^ b->w[i];
	return !difference;
}

/* Compares (address, port) by their bytes, as memcmp does: 1 if a is not above b. */
static __always_inline int lower(const struct F(addr) *a, __be16 a_port, const struct F(addr) *b,
				 __be16 b_port)
{
	for (int i = 0; i < ADDR_WORDS; i++)
		if (a->w[i] != b->w[i])
			return bpf_ntohl(a->w[i]) < bpf_ntohl(b->w[i]);
	return bpf_ntohs(a_port) <= bpf_ntohs(b_port);
}

/* Fills the key of a tuple and returns the side of its sender. */
static __always_inline __u32 make_key(struct F(ct_key) *key, const struct F(addr) *saddr,
				      __be16 sport, const struct F(addr) *daddr, __be16 dport,
				      __u8 proto)
{
	int source_first = lower(saddr, sport, daddr, dport);

	key->addr[0] = source_first ? *saddr : *daddr;
	key->addr[1] = source_first ? *daddr : *saddr;
	key->port[0] = source_first ? sport : dport;
	key->port[1] = source_first ? dport : sport;
	key->proto = proto;
	key->direct = 0;
	__builtin_memset(key->pad, 0, sizeof(key->pad));
	return source_first ? CT_SIDE_A : CT_SIDE_B;
}

static __always_inline int parse_failed(struct flow *f, __u32 reason)
{
	f->reason = reason;
	return PARSE_DROP;
}

#if SLUICE_FAMILY == 4

/*
 * The IP header's part of a flow: protocol and offset of the transport header. Returns bytes from
 * there to the packet's end by the IP header, or -1 with f->reason.
 */
static __always_inline int parse_ip(struct __sk_buff *skb, const struct iphdr *ip, struct flow *f)
{
	__u32 header = ip->ihl * 4, total = bpf_ntohs(ip->tot_len);

	/* A GSO packet above 64 KiB (BIG TCP) states no length; the kernel made it, so trust it. */
	if (!total && skb->gso_segs)
		total = skb->len - ETH_HLEN;
	f->reason = REASON_MALFORMED;
	if (ip->version != 4 || header < sizeof(*ip) || total < header ||
	    total > skb->len - ETH_HLEN)
		return -1;
	if (ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET)) {
		f->reason = REASON_FRAGMENT;
		return -1;
	}
	f->proto = ip->protocol;
	f->l4 = ETH_HLEN + header;
	return total - header;
}

#else

struct ext_header {
	__u8 next;
	__u8 length; /* in units of 8 bytes, the first not counted; authentication: see RFC 4302 */
};

/* Skips extension headers (RFC 8200, 4). Leaves protocol and offset of what follows in f. */
static __noinline int skip_ext_headers(struct __sk_buff *skb, struct flow *f)
{
	__u32 offset = ETH_HLEN + sizeof(struct ipv6hdr);
	__u8 next = f->proto;

	for (int i = 0; i < MAX_EXT_HEADERS; i++) {
		struct ext_header ext;

		switch (next) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
		case IPPROTO_AH:
			break;
		case IPPROTO_FRAGMENT:
			f->reason = REASON_FRAGMENT;
			return -1;
		default:
			f->proto = next;
			f->l4 = offset;
			return 0;
		}
		if (bpf_skb_load_bytes(skb, offset, &ext, sizeof(ext))) {
			f->reason = REASON_MALFORMED;
			return -1;
		}
		offset += next == IPPROTO_AH ? (ext.length + 2) * 4 : (ext.length + 1) * 8;
		next = ext.next;
	}
	f->reason = REASON_EXT_HEADERS;
	return -1;
}

static __always_inline int is_ext_header(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_AH || next == IPPROTO_FRAGMENT;
}

static __always_inline int parse_ip(struct __sk_buff *skb, const struct ipv6hdr *ip, struct flow *f)
{
	__u32 total = bpf_ntohs(ip->payload_len) + sizeof(*ip);

	/* BIG TCP, as for IPv4. */
	if (total == sizeof(*ip) && skb->gso_segs)
		total = skb->len - ETH_HLEN;
	f->reason = REASON_MALFORMED;
	if (ip->version != 6 || total > skb->len - ETH_HLEN)
		return -1;
	f->proto = ip->nexthdr;
	f->l4 = ETH_HLEN + sizeof(*ip);
	if (is_ext_header(f->proto) && skip_ext_headers(skb, f))
		return -1;
	f->reason = REASON_MALFORMED;
	return (int)(total + ETH_HLEN) - (int)f->l4;
}

#endif

/* Types that report on another packet, and types that never leave the link (RFC 4861, 3810). */
static __always_inline int icmp_kind(__u8 type)
{
#if SLUICE_FAMILY == 4
	return type == ICMP_UNREACHABLE || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
		       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM
		   ? PARSE_ICMP_ERROR
		   : PARSE_FLOW;
#else
	if (type < ICMP6_FIRST_INFORMATIONAL)
		return PARSE_ICMP_ERROR;
	return is_icmp6_on_link(type) ? PARSE_NOT_TRACKED : PARSE_FLOW;
#endif
}

static __always_inline int is_icmp_echo(__u8 type)
{
	return type == (SLUICE_FAMILY == 4 ? ICMP_ECHO_REQUEST : ICMP6_ECHO_REQUEST) ||
	       type == (SLUICE_FAMILY == 4 ? ICMP_ECHO_REPLY : ICMP6_ECHO_REPLY);
}

/*
 * The identifier is the port of who asks; the other side has none. So a request is never taken for
 * the answer to one of the other side that bears the same identifier.
 */
static __always_inline void set_echo_ports(__u8 type, __be16 id, struct flow *f)
{
	int asks = type == (SLUICE_FAMILY == 4 ? ICMP_ECHO_REQUEST : ICMP6_ECHO_REQUEST);

	f->sport = asks ? id : 0;
	f->dport = asks ? 0 : id;
}

#define IPPROTO_ICMP_FAMILY (SLUICE_FAMILY == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)

/*
 * The transport header's part. "left" is what the IP header leaves for it, in bytes. Protocols
 * without ports are flows of their addresses.
 */
static __always_inline int parse_l4(const void *l4, const void *end, int left, struct flow *f)
{
	const struct tcphdr *tcp = l4;
	const struct icmp_header *icmp = l4;

	f->sport = f->dport = 0;
	f->tcp_flags = f->icmp_type = f->icmp_code = 0;
	switch (f->proto) {
	case IPPROTO_TCP:
		if (l4 + TCP_SIZE > end || left < TCP_SIZE || tcp->doff < TCP_SIZE / 4 ||
		    tcp->doff * 4 > left)
			return parse_failed(f, REASON_MALFORMED);
		f->tcp_flags = ((const __u8 *)l4)[13];
		break;
	case IPPROTO_UDP:
		if (l4 + UDP_SIZE > end || left < UDP_SIZE)
			return parse_failed(f, REASON_MALFORMED);
		break;
	case IPPROTO_SCTP:
		if (l4 + SCTP_SIZE > end || left < SCTP_SIZE)
			return parse_failed(f, REASON_MALFORMED);
		break;
	case IPPROTO_ICMP_FAMILY:
		if (l4 + ICMP_SIZE > end || left < ICMP_SIZE)
			return parse_failed(f, REASON_MALFORMED);
		f->icmp_type = icmp->type;
		f->icmp_code = icmp->code;
		if (is_icmp_echo(icmp->type))
			set_echo_ports(icmp->type, icmp->id, f);
		return icmp_kind(icmp->type);
	default:
		return PARSE_FLOW;
	}
	f->sport = tcp->source;
	f->dport = tcp->dest;
	return PARSE_FLOW;
}

/*
 * The ends of the linear data, loaded afresh each time: what was loaded before a helper that may
 * move the packet is void, and clang must not turn these pointers into 32-bit numbers, for the
 * verifier would not know them again.
 */
static __always_inline void *packet_start(const struct __sk_buff *skb)
{
	void *start;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(start)
		     : "r"(skb), "i"(__builtin_offsetof(struct __sk_buff, data)));
	return start;
}

static __always_inline void *packet_end(const struct __sk_buff *skb)
{
	void *end;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(end)
		     : "r"(skb), "i"(__builtin_offsetof(struct __sk_buff, data_end)));
	return end;
}

/* The IP header if it and its transport header are linear, else NULL. */
static __always_inline ip_header *ip_of(const struct __sk_buff *skb)
{
	void *data = packet_start(skb), *end = packet_end(skb);

	return data + ETH_HLEN + sizeof(ip_header) > end ? NULL : data + ETH_HLEN;
}

/* No transport header begins later: IPv4 options and six extension headers end before. */
#define MAX_L4_OFFSET 1023

/* The transport header. The bound is for the verifier, which clang must not spare. */
static __always_inline void *l4_of(const struct __sk_buff *skb, const struct flow *f)
{
	__u32 offset = f->l4;

	asm volatile("" : "+r"(offset));
	return packet_start(skb) + (offset & MAX_L4_OFFSET);
}

/* One try at parsing what is linear. */
static __always_inline int parse_linear(struct __sk_buff *skb, struct flow *f)
{
	ip_header *ip = ip_of(skb);
	int left, result;
	void *l4, *end;

	if (!ip)
		return parse_failed(f, REASON_MALFORMED);
	left = parse_ip(skb, ip, f);
	if (left < 0)
		return PARSE_DROP;
	/* Anew: skipping extension headers calls a function, which forgets what was checked. */
	ip = ip_of(skb);
	if (!ip || f->l4 > MAX_L4_OFFSET)
		return parse_failed(f, REASON_MALFORMED);
	l4 = l4_of(skb, f);
	end = packet_end(skb);
	result = parse_l4(l4, end, left, f);
	if (result == PARSE_FLOW)
		f->side =
		    make_key(&f->key, ip_saddr(ip), f->sport, ip_daddr(ip), f->dport, f->proto);
	return result;
}

/* Headers that are not linear are made so: once, and only when they are in the way. */
static __always_inline int parse(struct __sk_buff *skb, struct flow *f)
{
	int result = parse_linear(skb, f);

	if (result == PARSE_DROP && f->reason == REASON_MALFORMED &&
	    packet_end(skb) - packet_start(skb) < skb->len) {
		if (bpf_skb_pull_data(skb, skb->len < 256 ? skb->len : 256))
			return result;
		result = parse_linear(skb, f);
	}
	return result;
}
