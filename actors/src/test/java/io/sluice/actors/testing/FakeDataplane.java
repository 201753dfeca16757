// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.testing;

import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.dataplane.Dataplane;
import io.sluice.kernel.dataplane.MaglevTable;
import io.sluice.kernel.dataplane.Untracked;
import io.sluice.kernel.layout.Affinity;
import io.sluice.kernel.layout.AffinityKey;
import io.sluice.kernel.layout.Backend;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.CtCommon;
import io.sluice.kernel.layout.CtJudged;
import io.sluice.kernel.layout.CtKey;
import io.sluice.kernel.layout.CtState;
import io.sluice.kernel.layout.CtValue;
import io.sluice.kernel.layout.CtVerdict;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;

/** A dataplane without a kernel: maps in memory, a clock to set, a cleaner that obeys CT-3. */
public final class FakeDataplane implements Dataplane {
  private static final int TCP = 6;

  /** The time, jiffies. */
  public volatile int jiffies = 1_000_000_000;

  /** What was asked of it, in order: {@code attach cali1}, … */
  public final List<String> calls = new CopyOnWriteArrayList<>();

  /** Sizes of the lists of judgements that the cleaner was given. */
  public final List<Integer> chunks = new CopyOnWriteArrayList<>();

  /** Why the kernel does not take a program; null: it does. */
  public volatile Function<PolicyProgram, RuntimeException> refuse = program -> null;

  private final Map<Family, FakeMap<CtKey, CtValue>> ct = new HashMap<>();
  private final Map<Family, FakeMap<Integer, Integer>> directs = new HashMap<>();
  private final Map<Family, FakeMap<AffinityKey, Affinity>> affinity = new HashMap<>();
  private final Map<Family, FakeMap<SourceRangeKey, Integer>> sourceRanges = new HashMap<>();
  private final Map<Family, FakeMap<RouteKey, Route>> routes = new HashMap<>();
  private final Map<Family, FakeMap<SourceKey, Integer>> sources = new HashMap<>();
  private final Map<Family, FakeMap<NodeSourceKey, Integer>> nodeSources = new HashMap<>();
  private final FakeMap<QosKey, QosLimit> qosLimits = new FakeMap<>("qos", 1000);
  private final FakeMap<QosKey, QosUse> qosUse = new FakeMap<>("qos_use", 1000);
  private final FakeMap<Integer, Service> services = new FakeMap<>("services", 100);
  private final FakeMap<Integer, BackendGen> gens = new FakeMap<>("backend_gen", 100);
  private final FakeMap<Integer, Iface> ifaces = new FakeMap<>("ifaces", 9192);
  private final FakeMap<Integer, NodeState> node = new FakeMap<>("node", 1);
  private final Map<Family, FakeMap<IpSetKey, Integer>> ipSets = new HashMap<>();
  private final MemoryRuleHits ruleHits = new MemoryRuleHits();
  private final Map<Integer, Map<Integer, PolicyProgram>> programs = new HashMap<>();
  private final Map<Integer, Attachment> attached = new HashMap<>();
  private final MemoryUntracked untracked = new MemoryUntracked(this::call);

  /**
   * @param ctSize entries of each conntrack table
   */
  public FakeDataplane(int ctSize) {
    this(ctSize, 100_000);
  }

  /**
   * @param setSize members of the IP sets of each family
   */
  public FakeDataplane(int ctSize, int setSize) {
    for (Family family : Family.values()) {
      ct.put(
          family,
          new FakeMap<>(
              "ct" + family.number(), ctSize, CtKey.codec(family), CtValue.codec(family)));
      directs.put(family, new FakeMap<>("directs" + family.number(), 2));
      affinity.put(family, new FakeMap<>("affinity" + family.number(), 1000));
      sourceRanges.put(family, new FakeMap<>("source_ranges" + family.number(), 1000));
      ipSets.put(family, new FakeMap<>("ip_sets" + family.number(), setSize));
      routes.put(family, new FakeMap<>("routes" + family.number(), 1000));
      sources.put(family, new FakeMap<>("sources" + family.number(), 1000));
      nodeSources.put(family, new FakeMap<>("node_sources" + family.number(), 100));
    }
  }

  @Override
  public FakeMap<CtKey, CtValue> ct(Family family) {
    return ct.get(family);
  }

  @Override
  public TypedMap<FrontendKey, Frontend> frontends(Family family) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FakeMap<Integer, Service> services() {
    return services;
  }

  @Override
  public TypedMap<Integer, Backend> backends(Family family) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FakeMap<Integer, BackendGen> backendGen() {
    return gens;
  }

  @Override
  public TypedMap<Integer, MaglevTable> maglev() {
    throw new UnsupportedOperationException();
  }

  @Override
  public FakeMap<AffinityKey, Affinity> affinity(Family family) {
    return affinity.get(family);
  }

  @Override
  public TypedMap<SourceRangeKey, Integer> sourceRanges(Family family) {
    return sourceRanges.get(family);
  }

  @Override
  public FakeMap<Integer, Integer> directs(Family family) {
    return directs.get(family);
  }

  @Override
  public TypedMap<RouteKey, Integer> dsrOptout(Family family) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FakeMap<RouteKey, Route> routes(Family family) {
    return routes.get(family);
  }

  @Override
  public FakeMap<SourceKey, Integer> sources(Family family) {
    return sources.get(family);
  }

  @Override
  public FakeMap<NodeSourceKey, Integer> nodeSources(Family family) {
    return nodeSources.get(family);
  }

  @Override
  public FakeMap<QosKey, QosLimit> qosLimits() {
    return qosLimits;
  }

  @Override
  public FakeMap<QosKey, QosUse> qosUse() {
    return qosUse;
  }

  @Override
  public FakeMap<Integer, Iface> ifaces() {
    return ifaces;
  }

  @Override
  public FakeMap<Integer, NodeState> node() {
    return node;
  }

  @Override
  public List<CounterRow> counters() {
    return List.of();
  }

  @Override
  public int jiffies() {
    return jiffies;
  }

  @Override
  public int hz() {
    return 250;
  }

  @Override
  public FakeMap<IpSetKey, Integer> ipSets(Family family) {
    return ipSets.get(family);
  }

  @Override
  public MemoryRuleHits ruleHits() {
    return ruleHits;
  }

  @Override
  public synchronized void setPolicy(int hook, int slot, PolicyProgram program) {
    RuntimeException refusal = refuse.apply(program);
    if (refusal != null) {
      calls.add("refused " + hook + "/" + slot);
      throw refusal;
    }
    calls.add("policy " + hook + "/" + slot);
    programs.computeIfAbsent(hook, h -> new HashMap<>()).put(slot, program);
  }

  @Override
  public synchronized void clearPolicy(int hook, int slot) {
    calls.add("no policy " + hook + "/" + slot);
    programs.computeIfAbsent(hook, h -> new HashMap<>()).remove(slot);
  }

  @Override
  public synchronized Map<Integer, String> policies(int hook) {
    Map<Integer, String> names = new HashMap<>();
    programs.getOrDefault(hook, Map.of()).forEach((slot, p) -> names.put(slot, p.name()));
    return names;
  }

  /** What was last put into a slot; null: nothing. */
  public synchronized PolicyProgram program(int hook, int slot) {
    return programs.getOrDefault(hook, Map.of()).get(slot);
  }

  private void call(String what) {
    calls.add(what);
  }

  @Override
  public Untracked untracked() {
    return untracked;
  }

  @Override
  public synchronized Attachment attach(String name, int ifindex) {
    calls.add("attach " + name);
    return attached.computeIfAbsent(ifindex, i -> new Attachment(name, i, "tcx", List.of()));
  }

  @Override
  public synchronized void detach(String name, int ifindex) {
    calls.add("detach " + name);
    attached.remove(ifindex);
  }

  @Override
  public synchronized Map<Integer, Attachment> attachments() {
    return Map.copyOf(attached);
  }

  @Override
  public CleanResult clean(Family family, Map<CtKey, CtJudged> judged) {
    chunks.add(judged.size());
    long deleted = 0;
    long spared = 0;
    long absent = 0;
    Map<CtKey, CtValue> table = ct.get(family).entries;
    for (Map.Entry<CtKey, CtJudged> entry : judged.entrySet()) {
      CtValue value = table.get(entry.getKey());
      CtJudged judgement = entry.getValue();
      CtValue twin = judgement.twin().proto() == 0 ? null : table.get(judgement.twin());
      if (value == null) {
        absent++;
      } else if (judgement.verdict() == CtVerdict.CT_DENIED || tearsDown(entry)) {
        boolean down = tearsDown(entry);
        int set = CtState.CT_REVOKED | (down ? CtState.CT_RST_A | CtState.CT_RST_B : 0);
        int both = CtState.CT_APPROVED_A | CtState.CT_APPROVED_B;
        revoke(table, entry.getKey(), set, down ? both : judgement.revoke());
        if (twin != null) {
          revoke(table, judgement.twin(), set, down ? both : judgement.twinRevoke());
        }
        deleted++;
      } else if (judgement.verdict() == CtVerdict.CT_ENDED
          ? value.c().created() != judgement.lastSeen()
          : value.c().lastSeen() != judgement.lastSeen()
              || twin != null && twin.c().lastSeen() != judgement.twinLastSeen()) {
        spared++;
      } else {
        table.remove(entry.getKey());
        deleted++;
        if (twin != null) {
          table.remove(judgement.twin());
          deleted++;
        }
      }
    }
    return new CleanResult(deleted, spared, absent);
  }

  private static boolean tearsDown(Map.Entry<CtKey, CtJudged> entry) {
    return entry.getValue().verdict() == CtVerdict.CT_ENDED && entry.getKey().proto() == TCP;
  }

  private static void revoke(Map<CtKey, CtValue> table, CtKey key, int set, int bits) {
    CtValue value = table.get(key);
    CtCommon c = value.c();
    CtCommon less =
        new CtCommon(
            c.lastSeen(),
            c.created(),
            (c.state() | set) & ~bits,
            c.routeEpoch(),
            c.ifindex0(),
            c.ifindex1(),
            c.service(),
            c.backend(),
            c.gen(),
            c.csumAddr(),
            c.csumPort());
    table.put(key, new CtValue(less, value.x(), value.tunnelPeer()));
  }

  @Override
  public void close() {
    // nothing is open
  }
}
