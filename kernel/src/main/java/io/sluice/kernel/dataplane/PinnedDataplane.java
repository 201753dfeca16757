// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.ArrayOfMaps;
import io.sluice.kernel.bpf.Bpf;
import io.sluice.kernel.bpf.BpfMap;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.PerCpuArray;
import io.sluice.kernel.bpf.ProgramArray;
import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.layout.Affinity;
import io.sluice.kernel.layout.AffinityKey;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Codec;
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
import io.sluice.kernel.sys.Errno;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The dataplane that an agent has left running, for those who only look: opens the pinned maps as
 * they are asked for, and loads no programs but the clock. It takes no lock, so an agent may run or
 * start meanwhile. Whatever would change something is refused.
 */
public final class PinnedDataplane implements Dataplane {
  private final Path root;
  private final Clock clock;
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();
  private final Map<String, BpfMap<?, ?>> maps = new HashMap<>();
  private MaglevMap maglev;
  private RuleHitsMap ruleHits;

  /**
   * Opens what is pinned below a bpffs.
   *
   * @throws io.sluice.kernel.bpf.KernelException if nothing is, or privilege is missing
   */
  public static PinnedDataplane open(Path bpffs) {
    Pins.requireBpffs(bpffs);
    Path root = bpffs.resolve(Pins.ROOT);
    if (!Pins.exists(root.resolve("maps"))) {
      throw Errno.failure("open " + root, Errno.ENOENT, "no dataplane is pinned there");
    }
    return new PinnedDataplane(root);
  }

  private PinnedDataplane(Path root) {
    this.root = root;
    this.clock = new Clock(Objects.SHIPPED);
    opened.push(clock);
  }

  private Fd pin(String name) {
    return Bpf.get(root.resolve("maps").resolve(name));
  }

  @SuppressWarnings("unchecked") // each name is asked for with the same codecs always
  private synchronized <K, V> BpfMap<K, V> map(String name, Codec<K> key, Codec<V> value) {
    BpfMap<?, ?> map = maps.get(name);
    if (map == null) {
      map = new BpfMap<>(name, pin(name), key, value);
      opened.push(map);
      maps.put(name, map);
    }
    return (BpfMap<K, V>) map;
  }

  @Override
  public TypedMap<CtKey, CtValue> ct(Family family) {
    return map("ct" + family.number(), CtKey.codec(family), CtValue.codec(family));
  }

  @Override
  public TypedMap<FrontendKey, Frontend> frontends(Family family) {
    return map("frontends" + family.number(), FrontendKey.codec(family), Frontend.codec());
  }

  @Override
  public TypedMap<Integer, Service> services() {
    return map("services", Codec.U32, Service.codec());
  }

  @Override
  public TypedMap<Integer, Backend> backends(Family family) {
    return map("backends" + family.number(), Codec.U32, Backend.codec(family));
  }

  @Override
  public TypedMap<Integer, BackendGen> backendGen() {
    return map("backend_gen", Codec.U32, BackendGen.codec());
  }

  @Override
  public synchronized TypedMap<Integer, MaglevTable> maglev() {
    if (maglev == null) {
      maglev = new MaglevMap(new ArrayOfMaps("maglev", pin("maglev")));
      opened.push(maglev);
    }
    return maglev;
  }

  @Override
  public TypedMap<AffinityKey, Affinity> affinity(Family family) {
    return map("affinity" + family.number(), AffinityKey.codec(family), Affinity.codec(family));
  }

  @Override
  public TypedMap<SourceRangeKey, Integer> sourceRanges(Family family) {
    return map("source_ranges" + family.number(), SourceRangeKey.codec(family), Codec.U32);
  }

  @Override
  public TypedMap<Integer, Integer> directs(Family family) {
    return map("directs" + family.number(), Codec.U32, Codec.U32);
  }

  @Override
  public TypedMap<RouteKey, Integer> dsrOptout(Family family) {
    return map("dsr_optout" + family.number(), RouteKey.codec(family), Codec.U32);
  }

  @Override
  public TypedMap<IpSetKey, Integer> ipSets(Family family) {
    return map("ip_sets" + family.number(), IpSetKey.codec(family), Codec.U32);
  }

  @Override
  public synchronized RuleHits ruleHits() {
    if (ruleHits == null) {
      ruleHits = new RuleHitsMap(pin(RuleHitsMap.NAME));
      opened.push(ruleHits);
    }
    return ruleHits;
  }

  @Override
  public TypedMap<RouteKey, Route> routes(Family family) {
    return map("routes" + family.number(), RouteKey.codec(family), Route.codec(family));
  }

  @Override
  public TypedMap<SourceKey, Integer> sources(Family family) {
    return map("sources" + family.number(), SourceKey.codec(family), Codec.U32);
  }

  @Override
  public TypedMap<NodeSourceKey, Integer> nodeSources(Family family) {
    return map("node_sources" + family.number(), NodeSourceKey.codec(family), Codec.U32);
  }

  @Override
  public TypedMap<QosKey, QosLimit> qosLimits() {
    return map("qos", QosKey.codec(), QosLimit.codec());
  }

  @Override
  public TypedMap<QosKey, QosUse> qosUse() {
    return map("qos_use", QosKey.codec(), QosUse.codec());
  }

  @Override
  public TypedMap<Integer, Iface> ifaces() {
    return new IfaceMap(
        map("ifaces", Codec.U32, Iface.codec()), map("ifaces_far", Codec.U32, Iface.codec()));
  }

  @Override
  public TypedMap<Integer, NodeState> node() {
    return map("node", Codec.U32, NodeState.codec());
  }

  @Override
  public List<CounterRow> counters() {
    try (var counters = new PerCpuArray<>("counters", pin("counters"), Counter.codec())) {
      return CounterRows.read(counters);
    }
  }

  @Override
  public int jiffies() {
    return clock.jiffies();
  }

  @Override
  public int hz() {
    return clock.hz();
  }

  @Override
  public Map<Integer, Attachment> attachments() {
    return new Attacher(root, true).attachments();
  }

  private static UnsupportedOperationException readOnly() {
    return new UnsupportedOperationException("a pinned dataplane is opened to look at it only");
  }

  @Override
  public void setPolicy(int hook, int slot, PolicyProgram program) {
    throw readOnly();
  }

  @Override
  public void clearPolicy(int hook, int slot) {
    throw readOnly();
  }

  @Override
  public Map<Integer, String> policies(int hook) {
    Set<Integer> inUse = new Attacher(root, true).programsInUse();
    Optional<ProgramArray> found = Build.policies(root, hook, inUse);
    if (found.isEmpty()) {
      return Map.of();
    }
    try (ProgramArray policies = found.get()) {
      return PolicySlots.names(policies);
    }
  }

  @Override
  public Untracked untracked() {
    return new PinnedUntracked(root);
  }

  @Override
  public Attachment attach(String name, int ifindex) {
    throw readOnly();
  }

  @Override
  public void detach(String name, int ifindex) {
    throw readOnly();
  }

  @Override
  public CleanResult clean(Family family, Map<CtKey, CtJudged> judged) {
    throw readOnly();
  }

  @Override
  public void close() {
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
