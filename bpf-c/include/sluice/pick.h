/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * From a packet to a service's backend: the frontend, who may speak to it, affinity, choice.
 */
#pragma once

#include "rpf.h"
#include "tuple_hash.h"

/* A service's backends may change between two reads: how often to read them again. */
#define PICK_TRIES 4

enum pick_result {
	PICK_NO_SERVICE = 0,
	PICKED = 1,
	PICK_NO_BACKEND = 2,
	PICK_GONE = 3,
	PICK_NO_LOCAL = 4,
	PICK_BY_MAGLEV = 5, /* PROG_MAGLEV is to choose */
	PICK_FORBIDDEN = 6, /* not in the service's source ranges */
};

/* Where a packet comes from decides which backends it may get. */
enum pick_for {
	FOR_INSIDE = 0,	 /* a pod or a host of this node */
	FOR_OUTSIDE = 1, /* by a host interface */
	FOR_NODE = 2,	 /* another node sends it to this one's backends (DSR-2) */
};

/* A read that races with a write finds what is another's, or dead: it does not count. */
static __always_inline int is_live_backend(const struct F(backend) *backend, __u32 service)
{
	__u32 id;
	struct backend_gen *alive;

	if (!backend || backend->service != service || !backend->id)
		return 0;
	id = backend->id;
	alive = bpf_map_lookup_elem(&backend_gen, &id);
	return alive && alive->gen == backend->gen;
}

static __always_inline void take_backend(struct pkt *p, const struct F(backend) *backend)
{
	widen(&p->daddr, &backend->addr);
	p->dport = backend->port;
	p->backend = backend->id;
	p->gen = backend->gen;
}

/*
 * A backend by "chance", a number of 32 bits: out of the node's part of the span if "local", else
 * out of the cluster's.
 */
static __always_inline int pick_by(struct pkt *p, __u32 id, int local, __u32 chance, __u16 *flags)
{
	for (int i = 0; i < PICK_TRIES; i++) {
		struct service *service = bpf_map_lookup_elem(&services, &id);
		struct F(backend) *backend;
		__u32 first, count, index;

		if (!service)
			return PICK_GONE;
		first = service->base;
		count = service->count;
		if (!count)
			return PICK_NO_BACKEND;
		if (local) {
			first += count;
			count = service->local;
			if (!count)
				return PICK_NO_LOCAL;
		}
		/* Scaled instead of divided: as even for any count that fits, and cheaper. */
		index = first + (__u32)(((__u64)chance * count) >> 32);
		backend = bpf_map_lookup_elem(&F(backends), &index);
		if (is_live_backend(backend, id)) {
			take_backend(p, backend);
			*flags = backend->flags;
			return PICKED;
		}
		chance = bpf_get_prandom_u32();
	}
	return PICK_GONE;
}

/* An address of this node, the one by which most of what is for node ports comes. */
static __always_inline int is_own_address(const struct F(addr) *addr)
{
	const struct node_state *node = node_state();
	const struct addr6 *own6 = node ? &node->addr6 : NULL;
	const struct addr4 *own4 = node ? &node->addr4 : NULL;

	return node && !is_any(addr) &&
	       addr_equal(addr, SLUICE_FAMILY == 4 ? (const struct F(addr) *)own4
						   : (const struct F(addr) *)own6);
}

/*
 * The frontend that the packet is for; NULL: none. Node ports are any cluster host's (SVC-7).
 * "route": to the packet's address, if that had to be looked up; else left as it is.
 */
static __always_inline struct frontend *find_frontend_by(const struct pkt *p,
							 const struct F(route) **route)
{
	struct F(frontend_key) key = {
	    .addr = narrow(&p->daddr),
	    .port = p->dport,
	    .proto = p->proto,
	};
	struct frontend *exact = bpf_map_lookup_elem(&F(frontends), &key);

	if (exact)
		return exact;
	if (!is_own_address(&key.addr)) {
		*route = route_to(&key.addr);
		if (!is_cluster_host(*route))
			return NULL;
	}
	__builtin_memset(&key.addr, 0, sizeof(key.addr));
	return bpf_map_lookup_elem(&F(frontends), &key);
}

static __always_inline struct frontend *find_frontend(const struct pkt *p)
{
	const struct F(route) *route = NULL;

	return find_frontend_by(p, &route);
}

/* Whether the source is in the ranges of a service that has some (loadBalancerSourceRanges). */
static __always_inline int is_in_ranges(const struct pkt *p, __u32 service)
{
	struct F(source_range_key) key = {
	    .prefixlen = 32 + 32 * ADDR_WORDS,
	    .service = bpf_htonl(service),
	    .addr = narrow(&p->orig_saddr),
	};

	return !!bpf_map_lookup_elem(&F(source_ranges), &key);
}

static __always_inline struct F(affinity_key) affinity_key(const struct pkt *p)
{
	struct F(affinity_key) key = {
	    .client = narrow(&p->orig_saddr),
	    .service = p->service,
	};

	return key;
}

/* The backend that the client had last, if it is alive and its time has not run out (SVC-4). */
static __always_inline int pick_by_affinity(struct pkt *p, __u32 seconds, int local)
{
	struct F(affinity_key) key = affinity_key(p);
	struct F(affinity) *last = bpf_map_lookup_elem(&F(affinity), &key);
	struct backend_gen *alive;
	__u32 id;

	if (!last || (__u64)(now() - last->last_used) >= (__u64)seconds * settings.hz ||
	    (local && !(last->flags & BACKEND_LOCAL)))
		return 0;
	id = last->id;
	alive = bpf_map_lookup_elem(&backend_gen, &id);
	if (!alive || alive->gen != last->gen)
		return 0;
	last->last_used = now();
	widen(&p->daddr, &last->addr);
	p->dport = last->port;
	p->backend = id;
	p->gen = last->gen;
	return 1;
}

/* Noted with each choice, for the next. */
static __always_inline void keep_affinity(const struct pkt *p, __u16 flags)
{
	struct F(affinity_key) key = affinity_key(p);
	struct F(affinity) chosen = {
	    .addr = narrow(&p->daddr),
	    .port = p->dport,
	    .flags = flags,
	    .id = p->backend,
	    .gen = p->gen,
	    .last_used = now(),
	};

	bpf_map_update_elem(&F(affinity), &key, &chosen, BPF_ANY);
}

/* Says the same on every node, so that a client's first choice does not hang on where it enters. */
static __always_inline __u32 chance_of_client(const struct pkt *p)
{
	struct F(addr) client = narrow(&p->orig_saddr), service = narrow(&p->orig_daddr);

	return F(tuple_hash)(&client, &service, 0, p->orig_dport, p->proto);
}

/* What is chosen alike on all nodes may be another node's: then one of this node's. */
static __always_inline int pick_for_node(struct pkt *p, __u32 id, __u32 chance, __u16 *flags)
{
	int result = pick_by(p, id, 0, chance, flags);

	if (result == PICKED && *flags & BACKEND_LOCAL)
		return result;
	return result == PICK_NO_BACKEND ? result : pick_by(p, id, 1, chance, flags);
}

/*
 * A backend for the packet; destination address and port become the backend's, so that policy sees
 * it (SVC-1). "route": for PICK_NO_SERVICE, as find_frontend_by() has left it.
 */
static __always_inline int pick_backend(struct pkt *p, enum pick_for whom,
					const struct F(route) **route)
{
	struct frontend *frontend = find_frontend_by(p, route);
	struct service *service;
	__u32 id, seconds, flags;
	__u16 chosen = 0;
	int local, result;

	if (!frontend)
		return PICK_NO_SERVICE;
	id = p->service = frontend->service;
	flags = frontend->flags;
	service = bpf_map_lookup_elem(&services, &id);
	if (!service)
		return PICK_GONE;
	if (whom != FOR_NODE && flags & FRONTEND_SOURCE_RANGES && !is_in_ranges(p, id))
		return PICK_FORBIDDEN;
	seconds = service->affinity_seconds;
	local = whom == FOR_NODE ||
		(flags & FRONTEND_LOCAL && (whom == FOR_OUTSIDE || flags & FRONTEND_CLUSTER_IP));
	if (local)
		p->flags |= PKT_LOCAL_ONLY;
	if (seconds && service->count && pick_by_affinity(p, seconds, local))
		return PICKED;
	if (whom != FOR_INSIDE && service->flags & SERVICE_MAGLEV && service->count &&
	    !(flags & FRONTEND_NODE_PORT))
		return PICK_BY_MAGLEV;
	if (seconds && whom == FOR_NODE)
		result = pick_for_node(p, id, chance_of_client(p), &chosen);
	else
		result = pick_by(p, id, local,
				 seconds ? chance_of_client(p) : bpf_get_prandom_u32(), &chosen);
	if (result == PICKED && seconds)
		keep_affinity(p, chosen);
	return result;
}

/* A flow that is not for a service: it is to notice when one comes into being. */
static __always_inline void no_service(struct pkt *p)
{
	__u32 zero = 0;
	struct backend_gen *none = bpf_map_lookup_elem(&backend_gen, &zero);

	p->backend = 0;
	p->gen = none ? none->gen : 0;
}

/* A reason to drop or refuse, for a result that is not PICKED. */
static __always_inline __u32 reason_of(int result)
{
	switch (result) {
	case PICK_NO_BACKEND:
		return REASON_REFUSED_RST;
	case PICK_NO_LOCAL:
		return REASON_NO_LOCAL_BACKEND;
	case PICK_FORBIDDEN:
		return REASON_SOURCE_RANGE;
	default:
		return REASON_BACKEND_GONE;
	}
}
