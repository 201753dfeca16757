/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The maps. Every program that includes this header shares them, by pins that the loader makes
 * under the map's name. A pin whose layout (BTF) is another than this build's is set aside, never
 * read.
 *
 * max_entries here are the defaults of the settings; the loader sets what is configured. "progs"
 * and "policies" are pinned once for each hook: progs_in, progs_out, policies_in, policies_out.
 */
#pragma once

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "conntrack.h"
#include "event.h"
#include "family.h"
#include "iface.h"
#include "maglev.h"
#include "marks.h"
#include "nat.h"
#include "node.h"
#include "policy.h"
#include "progs.h"
#include "qos.h"
#include "reasons.h"
#include "route.h"
#include "state.h"

#define MAP_HASH(map_name, map_type, key_type, value_type, entries, flags)                         \
	struct {                                                                                   \
		__uint(type, map_type);                                                            \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
		__uint(max_entries, entries);                                                      \
		__uint(map_flags, flags);                                                          \
	} map_name SEC(".maps")

#define MAP_ARRAY(map_name, map_type, value_type, entries)                                         \
	MAP_HASH(map_name, map_type, __u32, value_type, entries, 0)

/* Flow state. */
MAP_HASH(F(ct), BPF_MAP_TYPE_LRU_HASH, struct F(ct_key), struct F(ct_value), 512000, 0);
MAP_ARRAY(F(directs), BPF_MAP_TYPE_ARRAY, __u32, CT_DIRECTS);

/* Services. */
MAP_HASH(F(frontends), BPF_MAP_TYPE_HASH, struct F(frontend_key), struct frontend, 65536, 0);
MAP_ARRAY(services, BPF_MAP_TYPE_ARRAY, struct service, 65536);
MAP_ARRAY(F(backends), BPF_MAP_TYPE_ARRAY, struct F(backend), 262144);
MAP_ARRAY(backend_gen, BPF_MAP_TYPE_ARRAY, struct backend_gen, 262144);

/*
 * A table's array is as long as the table is; the one here says only of what its elements are.
 * By their sizes: clang 14 leaves a type incomplete that is named in an inner map alone.
 */
struct maglev_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct maglev_words));
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__type(key, __u32);
	__uint(max_entries, 65536); /* as services */
	__array(values, struct maglev_table);
} maglev SEC(".maps");

/* Clients whose replies take the tunnel although the service is in DSR mode; the value is 1. */
MAP_HASH(F(dsr_optout), BPF_MAP_TYPE_LPM_TRIE, struct F(route_key), __u32, 4096, BPF_F_NO_PREALLOC);

MAP_HASH(F(affinity), BPF_MAP_TYPE_LRU_HASH, struct F(affinity_key), struct F(affinity), 65536, 0);

/* Who may speak to load balancers that say so; the value is 1. */
MAP_HASH(F(source_ranges), BPF_MAP_TYPE_LPM_TRIE, struct F(source_range_key), __u32, 65536,
	 BPF_F_NO_PREALLOC);

/* Where addresses live. */
MAP_HASH(F(routes), BPF_MAP_TYPE_LPM_TRIE, struct F(route_key), struct F(route), 262144,
	 BPF_F_NO_PREALLOC);

/* Policy. */
MAP_HASH(F(ip_sets), BPF_MAP_TYPE_LPM_TRIE, struct F(ip_set_key), __u32, 1048576,
	 BPF_F_NO_PREALLOC);
MAP_HASH(rule_hits, BPF_MAP_TYPE_PERCPU_HASH, __u64, struct rule_hits, 131072, BPF_F_NO_PREALLOC);
MAP_ARRAY(policy_keys, BPF_MAP_TYPE_PERCPU_ARRAY, struct policy_keys, 1);

/* Interfaces and node. */
MAP_ARRAY(ifaces, BPF_MAP_TYPE_ARRAY, struct iface, IFACE_ARRAY_SIZE);
MAP_HASH(ifaces_far, BPF_MAP_TYPE_HASH, __u32, struct iface, 1000, BPF_F_NO_PREALLOC);
MAP_ARRAY(node, BPF_MAP_TYPE_ARRAY, struct node_state, 1);

MAP_HASH(F(sources), BPF_MAP_TYPE_LPM_TRIE, struct F(source_key), __u32, 65536, BPF_F_NO_PREALLOC);
MAP_HASH(F(node_sources), BPF_MAP_TYPE_LPM_TRIE, struct F(node_source_key), __u32, 65536,
	 BPF_F_NO_PREALLOC);
MAP_HASH(qos, BPF_MAP_TYPE_HASH, struct qos_key, struct qos_limit, 16384, BPF_F_NO_PREALLOC);
MAP_HASH(qos_use, BPF_MAP_TYPE_HASH, struct qos_key, struct qos_use, 16384, BPF_F_NO_PREALLOC);

/* Between sub-programs, and to the agent. */
MAP_ARRAY(pkt, BPF_MAP_TYPE_PERCPU_ARRAY, struct pkt, 1);
MAP_ARRAY(counters, BPF_MAP_TYPE_PERCPU_ARRAY, struct counter, HOOK_COUNT *REASON_COUNT);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20); /* bytes */
} events SEC(".maps");

/* Programs. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, PROG_SLOTS);
} progs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, POLICY_SLOTS + POLICY_PIECES);
} policies SEC(".maps");
