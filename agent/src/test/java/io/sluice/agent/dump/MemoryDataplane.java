// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.dataplane.RuleHits;
import io.sluice.kernel.dataplane.Untracked;
import io.sluice.kernel.layout.Affinity;
import io.sluice.kernel.layout.AffinityKey;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendGen;
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
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A dataplane to look at, without a kernel. Its clock stands still, at 250 jiffies a second. */
public final class MemoryDataplane implements Dataplane {
  public static final int NOW = 100; // just after the clock wrapped
  final List<CounterRow> counters = new ArrayList<>();
  final Map<Integer, Attachment> attachments = new HashMap<>();

  /** By hook and slot. */
  final Map<Integer, Map<Integer, String>> policies = new HashMap<>();

  final MemoryRuleHits hits = new MemoryRuleHits();
  private final Map<Family, TypedMap<CtKey, CtValue>> ct = new EnumMap<>(Family.class);
  private final Map<Family, TypedMap<AffinityKey, Affinity>> affinity = new EnumMap<>(Family.class);
  private final Map<Family, TypedMap<SourceRangeKey, Integer>> sourceRanges =
      new EnumMap<>(Family.class);
  private final Map<Family, TypedMap<FrontendKey, Frontend>> frontends =
      new EnumMap<>(Family.class);
  private final Map<Family, TypedMap<Integer, Backend>> backends = new EnumMap<>(Family.class);
  private final Map<Family, TypedMap<RouteKey, Integer>> optouts = new EnumMap<>(Family.class);
  private final Map<Family, TypedMap<RouteKey, Route>> routes = new EnumMap<>(Family.class);
  private final Map<Family, TypedMap<IpSetKey, Integer>> ipSets = new EnumMap<>(Family.class);
  private final Map<Family, TypedMap<SourceKey, Integer>> sources = new EnumMap<>(Family.class);
  private final Map<Family, TypedMap<NodeSourceKey, Integer>> nodeSources =
      new EnumMap<>(Family.class);
  private final TypedMap<QosKey, QosLimit> qosLimits = new MemoryMap<>("qos");
  private final TypedMap<QosKey, QosUse> qosUse = new MemoryMap<>("qos_use");
  private final TypedMap<Integer, Service> services = new MemoryMap<>("services");
  private final TypedMap<Integer, MaglevTable> maglev = new MemoryMap<>("maglev");
  private final TypedMap<Integer, BackendGen> gens = new MemoryMap<>("backend_gen");
  private final TypedMap<Integer, Iface> ifaces = new MemoryMap<>("ifaces");
  private final TypedMap<Integer, NodeState> node = new MemoryMap<>("node");

  /** With nothing in its maps. */
  public MemoryDataplane() {
    for (Family family : Family.values()) {
      ct.put(family, new MemoryMap<>("ct" + family.number()));
      frontends.put(family, new MemoryMap<>("frontends" + family.number()));
      backends.put(family, new MemoryMap<>("backends" + family.number()));
      affinity.put(family, new MemoryMap<>("affinity" + family.number()));
      sourceRanges.put(family, new MemoryMap<>("source_ranges" + family.number()));
      optouts.put(family, new MemoryMap<>("dsr_optout" + family.number()));
      ipSets.put(family, new MemoryMap<>("ip_sets" + family.number()));
      routes.put(family, new MemoryMap<>("routes" + family.number()));
      sources.put(family, new MemoryMap<>("sources" + family.number()));
      nodeSources.put(family, new MemoryMap<>("node_sources" + family.number()));
    }
  }

  @Override
  public TypedMap<CtKey, CtValue> ct(Family family) {
    return ct.get(family);
  }

  @Override
  public TypedMap<FrontendKey, Frontend> frontends(Family family) {
    return frontends.get(family);
  }

  @Override
  public TypedMap<Integer, Service> services() {
    return services;
  }

  @Override
  public TypedMap<Integer, Backend> backends(Family family) {
    return backends.get(family);
  }

  @Override
  public TypedMap<Integer, BackendGen> backendGen() {
    return gens;
  }

  @Override
  public TypedMap<Integer, MaglevTable> maglev() {
    return maglev;
  }

  @Override
  public TypedMap<AffinityKey, Affinity> affinity(Family family) {
    return affinity.get(family);
  }

  @Override
  public TypedMap<SourceRangeKey, Integer> sourceRanges(Family family) {
    return sourceRanges.get(family);
  }

  @Override
  public TypedMap<Integer, Integer> directs(Family family) {
    throw new UnsupportedOperationException();
  }

  @Override
  public TypedMap<RouteKey, Integer> dsrOptout(Family family) {
    return optouts.get(family);
  }

  @Override
  public TypedMap<IpSetKey, Integer> ipSets(Family family) {
    return ipSets.get(family);
  }

  @Override
  public RuleHits ruleHits() {
    return hits;
  }

  @Override
  public TypedMap<RouteKey, Route> routes(Family family) {
    return routes.get(family);
  }

  @Override
  public TypedMap<SourceKey, Integer> sources(Family family) {
    return sources.get(family);
  }

  @Override
  public TypedMap<NodeSourceKey, Integer> nodeSources(Family family) {
    return nodeSources.get(family);
  }

  @Override
  public TypedMap<QosKey, QosLimit> qosLimits() {
    return qosLimits;
  }

  @Override
  public TypedMap<QosKey, QosUse> qosUse() {
    return qosUse;
  }

  @Override
  public TypedMap<Integer, Iface> ifaces() {
    return ifaces;
  }

  @Override
  public TypedMap<Integer, NodeState> node() {
    return node;
  }

  @Override
  public List<CounterRow> counters() {
    return counters;
  }

  @Override
  public int jiffies() {
    return NOW;
  }

  @Override
  public int hz() {
    return 250;
  }

  @Override
  public Map<Integer, Attachment> attachments() {
    return attachments;
  }

  @Override
  public void setPolicy(int hook, int slot, PolicyProgram program) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void clearPolicy(int hook, int slot) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Map<Integer, String> policies(int hook) {
    return policies.getOrDefault(hook, Map.of());
  }

  @Override
  public Untracked untracked() {
    throw new UnsupportedOperationException();
  }

  @Override
  public Attachment attach(String name, int ifindex) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void detach(String name, int ifindex) {
    throw new UnsupportedOperationException();
  }

  @Override
  public CleanResult clean(Family family, Map<CtKey, CtJudged> judged) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
