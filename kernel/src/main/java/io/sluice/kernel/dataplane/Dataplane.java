// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.layout.Affinity;
import io.sluice.kernel.layout.AffinityKey;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Counter;
import io.sluice.kernel.layout.CtJudged;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IpSetKey;
import io.sluice.kernel.layout.NodeSourceKey;
import io.sluice.kernel.layout.NodeState;
import io.sluice.kernel.layout.QosKey;
import io.sluice.kernel.layout.QosLimit;
import io.sluice.kernel.layout.QosUse;
import io.sluice.kernel.layout.Route;
import io.sluice.kernel.layout.RouteKey;
import io.sluice.kernel.layout.Service;
import io.sluice.kernel.layout.SourceKey;
import io.sluice.kernel.layout.SourceRangeKey;
import io.sluice.kernel.policy.PolicyProgram;
import java.util.List;
import java.util.Map;

/**
 * The dataplane of one node: its maps, programs and attachments, all pinned below one folder of a
 * bpffs, so that it goes on without the agent. Opening it adopts what is there and loads what is
 * missing or of another build; nothing that is attached is touched until {@link #attach}.
 *
 * <p>An interface, so that actors can be tested without a kernel. Calls may block; each map and
 * each interface has one caller at a time.
 */
public interface Dataplane extends AutoCloseable {
  TypedMap<CtKey, CtValue> ct(Family family);

  /** Counters of direct flows, by {@link io.sluice.kernel.layout.CtDirects}. */
  TypedMap<Integer, Integer> directs(Family family);

  TypedMap<FrontendKey, Frontend> frontends(Family family);

  TypedMap<Integer, Service> services();

  TypedMap<Integer, Backend> backends(Family family);

  TypedMap<Integer, BackendGen> backendGen();

  /** Maglev tables, by service ID. */
  TypedMap<Integer, MaglevTable> maglev();

  TypedMap<RouteKey, Route> routes(Family family);

  /** Which backend a client had last, by client and service. Programs write it. */
  TypedMap<AffinityKey, Affinity> affinity(Family family);

  /** Who may speak to load balancers that say so; the value is 1. */
  TypedMap<SourceRangeKey, Integer> sourceRanges(Family family);

  /** Clients for which DSR is off; the value is 1. */
  TypedMap<RouteKey, Integer> dsrOptout(Family family);

  /** What workloads may send from besides their own addresses, by interface; the value is 1. */
  TypedMap<SourceKey, Integer> sources(Family family);

  /** What pods of other nodes may send from besides their own, by node; the value is 1. */
  TypedMap<NodeSourceKey, Integer> nodeSources(Family family);

  /** How much interfaces' workloads may send and get, by ifindex and hook. */
  TypedMap<QosKey, QosLimit> qosLimits();

  /** What of that is used. Programs count in it. */
  TypedMap<QosKey, QosUse> qosUse();

  /** By ifindex, over the array and the hash behind it. */
  TypedMap<Integer, Iface> ifaces();

  TypedMap<Integer, NodeState> node();

  /** All counters that are not zero, summed over the CPUs. */
  List<CounterRow> counters();

  /**
   * One counter.
   *
   * @param hook a constant of SluiceHook
   * @param reason a constant of SluiceReason
   */
  record CounterRow(int hook, int reason, Counter value) {}

  /** The kernel's jiffies64, cut to 32 bits: the clock of conntrack's time stamps. */
  int jiffies();

  /** Jiffies in a second. */
  int hz();

  /** Members of IP sets, of all sets of the node; the value is 1. */
  TypedMap<IpSetKey, Integer> ipSets(Family family);

  /** How many packets the rules of policies have decided on. */
  RuleHits ruleHits();

  /**
   * Puts a policy program into a slot of a hook's per-endpoint array, atomically replacing what was
   * there (PROG-3).
   *
   * @throws io.sluice.kernel.bpf.KernelException with the verifier's log; the old program stays
   */
  void setPolicy(int hook, int slot, PolicyProgram program);

  /** Empties a slot, so that new flows are dropped there. */
  void clearPolicy(int hook, int slot);

  /** Names of the programs in a hook's slots, as far as they hold one. */
  Map<Integer, String> policies(int hook);

  /**
   * Attaches the preamble to an interface, both hooks, or replaces the one that is there, without a
   * moment of none (PROG-6). Idempotent. From then on packets enter this build's policy slots,
   * which start empty: set the interface's policies and its element of {@link #ifaces} before.
   *
   * @return what was found and done
   */
  Attachment attach(String name, int ifindex);

  /** Takes the preamble off, and with it all that attaching made. No error if there is none. */
  void detach(String name, int ifindex);

  /** What XDP asks before TC. */
  Untracked untracked();

  /** Interfaces, by ifindex, that have our preamble on both hooks, of whatever build. */
  Map<Integer, Attachment> attachments();

  /**
   * @param mechanism "tcx" or "clsact"
   * @param foreign names or IDs of programs of others on the same hooks
   */
  record Attachment(String name, int ifindex, String mechanism, List<String> foreign) {}

  /**
   * Deletes what the caller judged dead and nobody touched since, twins together (CT-3).
   *
   * @param judged by key of the tracking (or only) entry
   */
  CleanResult clean(Family family, Map<CtKey, CtJudged> judged);

  /** Entries deleted, spared because they were touched, and gone already. */
  record CleanResult(long deleted, long spared, long absent) {}

  /** Closes descriptors. What is pinned stays, and goes on forwarding. */
  @Override
  void close();
}
