// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.kernel;

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
import java.util.List;
import java.util.Map;

/** The maps of a node, which outlive the agents that use them. Programs are not in here. */
public final class FakeKernel {
  /** Held for each single write and its observation. */
  public final Object lock = new Object();

  public final Map<Family, FakeMap<FrontendKey, Frontend>> frontends = new EnumMap<>(Family.class);
  public final Map<Family, FakeMap<Integer, Backend>> backends = new EnumMap<>(Family.class);
  public final Map<Family, FakeMap<RouteKey, Route>> routes = new EnumMap<>(Family.class);
  public final Map<Family, FakeMap<NodeSourceKey, Integer>> nodeSources =
      new EnumMap<>(Family.class);
  public final FakeMap<Integer, Service> services;
  public final FakeMap<Integer, BackendGen> gens;
  public final FakeMap<Integer, MaglevTable> maglev;
  public final Map<Family, FakeMap<RouteKey, Integer>> optouts = new EnumMap<>(Family.class);
  final Map<Family, FakeMap<Integer, Integer>> directs = new EnumMap<>(Family.class);
  final Map<Family, FakeMap<AffinityKey, Affinity>> affinity = new EnumMap<>(Family.class);
  public final Map<Family, FakeMap<SourceRangeKey, Integer>> sourceRanges =
      new EnumMap<>(Family.class);
  public final Map<Family, FakeMap<IpSetKey, Integer>> ipSets = new EnumMap<>(Family.class);
  public final FakeMap<Integer, Iface> ifaces;
  public final FakeMap<Integer, NodeState> node;

  private final List<FakeMap.Observer> observers = new ArrayList<>();

  /** Sizes of the maps. */
  public record Sizes(int frontends, int services, int backends, int gens) {
    public static final Sizes DEFAULT = new Sizes(65536, 65536, 262144, 262144);
  }

  public FakeKernel(Sizes sizes) {
    FakeMap.Observer all = (map, key, value) -> observers.forEach(o -> o.wrote(map, key, value));
    for (Family family : Family.values()) {
      int n = family.number();
      frontends.put(family, new FakeMap<>(lock, "frontends" + n, sizes.frontends(), all));
      backends.put(family, new FakeMap<>(lock, "backends" + n, sizes.backends(), all));
      routes.put(family, new FakeMap<>(lock, "routes" + n, 262144, all));
      nodeSources.put(family, new FakeMap<>(lock, "node_sources" + n, 4096, all));
      affinity.put(family, new FakeMap<>(lock, "affinity" + n, 4096, all));
      sourceRanges.put(family, new FakeMap<>(lock, "source_ranges" + n, 4096, all));
      ipSets.put(family, new FakeMap<>(lock, "ip_sets" + n, 1 << 20, all));
      optouts.put(family, new FakeMap<>(lock, "dsr_optout" + n, 4096, all));
      directs.put(family, new FakeMap<>(lock, "directs" + n, 2, all));
    }
    services = new FakeMap<>(lock, "services", sizes.services(), all);
    gens = new FakeMap<>(lock, "backend_gen", sizes.gens(), all);
    maglev = new FakeMap<>(lock, "maglev", sizes.services(), all);
    ifaces = new FakeMap<>(lock, "ifaces", 4096, all);
    node = new FakeMap<>(lock, "node", 1, all);
  }

  public void observe(FakeMap.Observer observer) {
    synchronized (lock) {
      observers.add(observer);
    }
  }

  /** What one agent has of it, until it is killed. */
  public Agent open() {
    return new Agent(this);
  }

  /** A dataplane of maps alone. */
  public static final class Agent implements Dataplane {
    private final FakeKernel kernel;
    private final List<FakeMap<?, ?>.Handle> handles = new ArrayList<>();

    private Agent(FakeKernel kernel) {
      this.kernel = kernel;
    }

    private <K, V> TypedMap<K, V> handle(FakeMap<K, V> map) {
      FakeMap<K, V>.Handle handle = map.new Handle();
      handles.add(handle);
      return handle;
    }

    /** As if its process had been killed. */
    public void kill() {
      handles.forEach(FakeMap.Handle::kill);
    }

    @Override
    public TypedMap<FrontendKey, Frontend> frontends(Family family) {
      return handle(kernel.frontends.get(family));
    }

    @Override
    public TypedMap<Integer, Service> services() {
      return handle(kernel.services);
    }

    @Override
    public TypedMap<Integer, Backend> backends(Family family) {
      return handle(kernel.backends.get(family));
    }

    @Override
    public TypedMap<Integer, BackendGen> backendGen() {
      return handle(kernel.gens);
    }

    @Override
    public TypedMap<Integer, MaglevTable> maglev() {
      return handle(kernel.maglev);
    }

    @Override
    public TypedMap<AffinityKey, Affinity> affinity(Family family) {
      return handle(kernel.affinity.get(family));
    }

    @Override
    public TypedMap<SourceRangeKey, Integer> sourceRanges(Family family) {
      return handle(kernel.sourceRanges.get(family));
    }

    @Override
    public TypedMap<Integer, Integer> directs(Family family) {
      return handle(kernel.directs.get(family));
    }

    @Override
    public TypedMap<RouteKey, Integer> dsrOptout(Family family) {
      return handle(kernel.optouts.get(family));
    }

    @Override
    public TypedMap<IpSetKey, Integer> ipSets(Family family) {
      return handle(kernel.ipSets.get(family));
    }

    @Override
    public RuleHits ruleHits() {
      throw new UnsupportedOperationException();
    }

    @Override
    public TypedMap<RouteKey, Route> routes(Family family) {
      return handle(kernel.routes.get(family));
    }

    @Override
    public TypedMap<SourceKey, Integer> sources(Family family) {
      throw new UnsupportedOperationException();
    }

    @Override
    public TypedMap<NodeSourceKey, Integer> nodeSources(Family family) {
      return handle(kernel.nodeSources.get(family));
    }

    @Override
    public TypedMap<QosKey, QosLimit> qosLimits() {
      throw new UnsupportedOperationException();
    }

    @Override
    public TypedMap<QosKey, QosUse> qosUse() {
      throw new UnsupportedOperationException();
    }

    @Override
    public TypedMap<Integer, Iface> ifaces() {
      return handle(kernel.ifaces);
    }

    @Override
    public TypedMap<Integer, NodeState> node() {
      return handle(kernel.node);
    }

    @Override
    public TypedMap<CtKey, CtValue> ct(Family family) {
      throw new UnsupportedOperationException();
    }

    @Override
    public List<CounterRow> counters() {
      return List.of();
    }

    @Override
    public int jiffies() {
      throw new UnsupportedOperationException();
    }

    @Override
    public int hz() {
      throw new UnsupportedOperationException();
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
      return Map.of();
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
    public Map<Integer, Attachment> attachments() {
      return Map.of();
    }

    @Override
    public CleanResult clean(Family family, Map<CtKey, CtJudged> judged) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
  }
}
