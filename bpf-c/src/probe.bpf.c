/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Parts of the packet path alone, for tests: question and answer lie in the packet, behind its
 * Ethernet header. Never attached: run by BPF_PROG_TEST_RUN.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <sluice/maps.h>
#include <sluice/maglev_ops.h>
#include <sluice/tuple_hash.h>

#define PICKS 32 /* of one run */

struct tuple_question {
	struct F(addr) saddr;
	struct F(addr) daddr;
	__be16 sport;
	__be16 dport;
	__u8 proto;
	__u8 pad[3];
	__u32 hash; /* the answer */
};

struct maglev_question {
	__u32 service;
	__u32 hash; /* the answer is for this one */
	__u32 index;
	__u32 found;
	__u32 picks; /* answers to random hashes, counted over all runs: how many, */
	__u32 wrong; /* and how many from a span of another generation than the table's */
};

SEC("tc")
int probe_hash(struct __sk_buff *skb)
{
	struct tuple_question q;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &q, sizeof(q)))
		return TC_ACT_SHOT;
	q.hash = F(tuple_hash)(&q.saddr, &q.daddr, q.sport, q.dport, q.proto);
	return bpf_skb_store_bytes(skb, ETH_HLEN, &q, sizeof(q), 0) ? TC_ACT_SHOT : TC_ACT_OK;
}

/* The test gives the backends of a span the generation of their table as their flags. */
SEC("tc")
int probe_maglev(struct __sk_buff *skb)
{
	struct maglev_question q;
	__u32 former;
	void *table;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &q, sizeof(q)))
		return TC_ACT_SHOT;
	q.found = 0;
	table = bpf_map_lookup_elem(&maglev, &q.service);
	if (table) {
		q.found = maglev_find(table, q.hash, &q.index, &former);
		for (int i = 0; i < PICKS; i++) {
			struct F(backend) *backend;
			__u32 index;

			if (!maglev_find(table, bpf_get_prandom_u32(), &index, &former))
				break;
			q.picks++;
			backend = bpf_map_lookup_elem(&F(backends), &index);
			if (!backend || backend->flags != (__u16)maglev_word(table, MAGLEV_GEN_LOW))
				q.wrong++;
		}
	}
	return bpf_skb_store_bytes(skb, ETH_HLEN, &q, sizeof(q), 0) ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
