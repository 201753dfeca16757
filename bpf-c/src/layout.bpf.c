/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * No program: names every type and constant that the agent shares with the programs, so that this
 * object's BTF describes them all. Java's codecs and constants are generated from it.
 */
#include <sluice/bench.h>
#include <sluice/conntrack.h>
#include <sluice/event.h>
#include <sluice/iface.h>
#include <sluice/maglev.h>
#include <sluice/marks.h>
#include <sluice/nat.h>
#include <sluice/node.h>
#include <sluice/policy.h>
#include <sluice/progs.h>
#include <sluice/qos.h>
#include <sluice/reasons.h>
#include <sluice/route.h>
#include <sluice/settings.h>
#include <sluice/state.h>

#define EXPORT_STRUCT(name) struct name export_##name = {0}
#define EXPORT_ENUM(name)   enum name export_##name = 0

EXPORT_STRUCT(ct_key4);
EXPORT_STRUCT(ct_key6);
EXPORT_STRUCT(ct_value4);
EXPORT_STRUCT(ct_value6);
EXPORT_STRUCT(ct_judged4);
EXPORT_STRUCT(ct_judged6);
EXPORT_STRUCT(ct_clean_stats);
EXPORT_STRUCT(frontend_key4);
EXPORT_STRUCT(frontend_key6);
EXPORT_STRUCT(frontend);
EXPORT_STRUCT(service);
EXPORT_STRUCT(backend4);
EXPORT_STRUCT(backend6);
EXPORT_STRUCT(backend_gen);
EXPORT_STRUCT(affinity_key4);
EXPORT_STRUCT(affinity_key6);
EXPORT_STRUCT(affinity4);
EXPORT_STRUCT(affinity6);
EXPORT_STRUCT(source_range_key4);
EXPORT_STRUCT(source_range_key6);
EXPORT_STRUCT(route_key4);
EXPORT_STRUCT(route_key6);
EXPORT_STRUCT(route4);
EXPORT_STRUCT(route6);
EXPORT_STRUCT(ip_set_key4);
EXPORT_STRUCT(ip_set_key6);
EXPORT_STRUCT(rule_hits);
EXPORT_STRUCT(policy_keys);
EXPORT_STRUCT(source_key4);
EXPORT_STRUCT(source_key6);
EXPORT_STRUCT(node_source_key4);
EXPORT_STRUCT(node_source_key6);
EXPORT_STRUCT(qos_key);
EXPORT_STRUCT(qos_limit);
EXPORT_STRUCT(qos_use);
EXPORT_STRUCT(iface);
EXPORT_STRUCT(node_state);
EXPORT_STRUCT(counter);
EXPORT_STRUCT(event);
EXPORT_STRUCT(pkt);
EXPORT_STRUCT(settings);
EXPORT_STRUCT(bench_plan);
EXPORT_STRUCT(xdp_meta);

EXPORT_ENUM(ct_side);
EXPORT_ENUM(ct_state);
EXPORT_ENUM(ct_ifindex);
EXPORT_ENUM(ct_directs);
EXPORT_ENUM(ct_verdict);
EXPORT_ENUM(frontend_flags);
EXPORT_ENUM(service_flags);
EXPORT_ENUM(backend_flags);
EXPORT_ENUM(maglev_head);
EXPORT_ENUM(maglev_layout);
EXPORT_ENUM(maglev_unmoved);
EXPORT_ENUM(route_flags);
EXPORT_ENUM(tunnel_vni);
EXPORT_ENUM(ip_set_bits);
EXPORT_ENUM(source_bits);
EXPORT_ENUM(qos_dscp);
EXPORT_ENUM(iface_limits);
EXPORT_ENUM(iface_flags);
EXPORT_ENUM(pkt_flags);
EXPORT_ENUM(sluice_mark);
EXPORT_ENUM(sluice_hook);
EXPORT_ENUM(sluice_prog);
EXPORT_ENUM(sluice_prog_index);
EXPORT_ENUM(policy_slots_limits);
EXPORT_ENUM(sluice_xdp_prog);
EXPORT_ENUM(sluice_xdp_meta);
EXPORT_ENUM(sluice_cb);
EXPORT_ENUM(sluice_reason);
