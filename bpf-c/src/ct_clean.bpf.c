/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The cleaner: deletes the entries that the agent has judged dead, with their twins, unless a
 * packet has touched either since (CT-3); takes back approvals of flows that policy denies by now;
 * ends flows with an address that has another owner. Never attached: run by BPF_PROG_TEST_RUN.
 */
#include <linux/in.h>
#include <linux/pkt_cls.h>
#include <sluice/clean.h>
#include <sluice/slots.h>

static __always_inline int untouched(const struct F(ct_value) *e, jiffies32 judged)
{
	return !e || e->c.last_seen == judged;
}

/* From here on each packet of the opener is asked to policy, until one is allowed. */
static __always_inline void revoke(struct F(ct_value) *e, __u32 bits)
{
	if (bits != CT_EGRESS)
		__sync_fetch_and_or(&e->c.state, CT_REVOKED);
	__sync_fetch_and_and(&e->c.state, ~bits);
}

/* What is torn down holds none of its endpoint's connections. */
static __always_inline void tear_down(struct F(ct_value) *e)
{
	__sync_fetch_and_or(&e->c.state, CT_RST_A | CT_RST_B);
	revoke(e, CT_APPROVED_A | CT_APPROVED_B);
	ct_release(&e->c);
}

static __always_inline void delete_both(const struct F(ct_key) *key, struct F(ct_value) *e,
					const struct F(ct_key) *twin_key, struct F(ct_value) *twin,
					struct ct_clean_stats *stats)
{
	if (e)
		ct_release(&e->c);
	if (twin)
		ct_release(&twin->c);
	if (e && !bpf_map_delete_elem(&F(ct), key))
		stats->deleted++;
	if (twin && !bpf_map_delete_elem(&F(ct), twin_key))
		stats->deleted++;
}

struct bpf_map;

static long clean_one(struct bpf_map *map, struct F(ct_key) *key, struct F(ct_judged) *judged,
		      void *context)
{
	struct F(ct_key) twin_key = judged->twin, own_key = *key;
	struct F(ct_value) *e, *twin = NULL;
	struct ct_clean_stats *stats;
	__u32 zero = 0;

	(void)context;
	stats = bpf_map_lookup_elem(&ct_clean_stats, &zero);
	if (!stats)
		return 1;
	e = bpf_map_lookup_elem(&F(ct), &own_key);
	if (twin_key.proto)
		twin = bpf_map_lookup_elem(&F(ct), &twin_key);
	if (!e && !twin) {
		stats->absent++;
	} else if (judged->verdict == CT_DEAD) {
		if (untouched(e, judged->last_seen) && untouched(twin, judged->twin_last_seen))
			delete_both(&own_key, e, &twin_key, twin, stats);
		else
			stats->spared++;
	} else if (!e || e->c.created != judged->last_seen) {
		stats->spared++;
	} else if (judged->verdict == CT_DENIED) {
		revoke(e, judged->revoke);
		if (twin)
			revoke(twin, judged->twin_revoke);
		stats->deleted++;
	} else if (own_key.proto == IPPROTO_TCP) {
		tear_down(e);
		if (twin)
			tear_down(twin);
		stats->deleted++;
	} else {
		delete_both(&own_key, e, &twin_key, twin, stats);
	}
	bpf_map_delete_elem(map, &own_key);
	return 0;
}

SEC("tc")
int ct_clean(struct __sk_buff *skb)
{
	(void)skb;
	return bpf_for_each_map_elem(&F(ct_clean), clean_one, NULL, 0) < 0 ? TC_ACT_SHOT
									   : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
