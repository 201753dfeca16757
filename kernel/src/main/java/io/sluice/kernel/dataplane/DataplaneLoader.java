// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.BpfMap;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.KernelFeatures;
import io.sluice.kernel.bpf.PerCpuArray;
import io.sluice.kernel.bpf.TypedMap;
import io.sluice.kernel.bpf.VerifierException;
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
import io.sluice.kernel.layout.Settings;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SourceKey;
import io.sluice.kernel.layout.SourceRangeKey;
import io.sluice.kernel.policy.PolicyProgram;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.sys.Privileges;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The dataplane in the kernel. Below {@code <bpffs>/sluice}: {@code maps/} that all programs share,
 * {@code links/} to interfaces, {@code aside/} for maps of another layout, and a folder for each
 * set of programs, the newest and those that some interface still runs.
 *
 * <p>Opening loads a whole set of programs beside the one that is in use, or adopts it if it is of
 * this build; interfaces go over to it one by one, by {@link #attach}; the set that no interface
 * runs any more goes. Thread-safe, and for the interfaces of the caller's network namespace.
 */
public final class DataplaneLoader implements Dataplane {
  static final int OLDEST_MAJOR = 5;
  static final int OLDEST_MINOR = 15;

  private final Path root;
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();
  private final MapStore maps;
  private final Clock clock;
  private final Build build;
  private final Attacher attacher;
  private final XdpAttacher xdpAttacher;
  private final XdpPolicies untracked;
  private final Map<Family, Cleaner> cleaners = new EnumMap<>(Family.class);
  private final Map<Family, BpfMap<CtKey, CtValue>> ct = new EnumMap<>(Family.class);
  private final Map<Family, BpfMap<FrontendKey, Frontend>> frontends = new EnumMap<>(Family.class);
  private final Map<Family, BpfMap<Integer, Backend>> backends = new EnumMap<>(Family.class);
  private final Map<Family, BpfMap<RouteKey, Route>> routes = new EnumMap<>(Family.class);
  private final Map<Family, BpfMap<Integer, Integer>> directs = new EnumMap<>(Family.class);
  private final Map<Family, BpfMap<AffinityKey, Affinity>> affinity = new EnumMap<>(Family.class);
  private final Map<Family, BpfMap<SourceRangeKey, Integer>> sourceRanges =
      new EnumMap<>(Family.class);
  private final Map<Family, BpfMap<RouteKey, Integer>> dsrOptout = new EnumMap<>(Family.class);
  private final Map<Family, BpfMap<SourceKey, Integer>> sources = new EnumMap<>(Family.class);
  private final Map<Family, BpfMap<NodeSourceKey, Integer>> nodeSources =
      new EnumMap<>(Family.class);
  private final BpfMap<QosKey, QosLimit> qosLimits;
  private final BpfMap<QosKey, QosUse> qosUse;
  private final BpfMap<Integer, Service> services;
  private final MaglevMap maglev;
  private final BpfMap<Integer, BackendGen> backendGen;
  private final BpfMap<Integer, NodeState> node;
  private final Map<Family, BpfMap<IpSetKey, Integer>> ipSets = new EnumMap<>(Family.class);
  private final RuleHitsMap ruleHits;
  private final List<PolicySlots> policySlots = new ArrayList<>();
  private final IfaceMap ifaces;
  private final PerCpuArray<Counter> counters;

  /**
   * Opens or makes the dataplane. Nothing that is attached is touched.
   *
   * @throws VerifierException if the kernel refuses a program: what is attached goes on unchanged
   * @throws io.sluice.kernel.bpf.KernelException if another process has it open (EAGAIN), or
   *     privilege, bpffs or memory are missing
   */
  public static DataplaneLoader open(DataplaneOptions options) {
    return open(options, Objects.SHIPPED);
  }

  static DataplaneLoader open(DataplaneOptions options, Objects objects) {
    requireKernel();
    Pins.requireBpffs(options.bpffs());
    return new DataplaneLoader(options, objects);
  }

  private DataplaneLoader(DataplaneOptions options, Objects objects) {
    root = options.root();
    try {
      keep(Pins.lock(root));
      clock = keep(new Clock(objects));
      maps = keep(MapStore.open(root, objects, options.mapSizes()));
      build = keep(openBuild(options, objects));
      attacher = new Attacher(root, options.tcx() && KernelFeatures.tcx());
      attacher.sweep();
      xdpAttacher = new XdpAttacher(root);
      xdpAttacher.sweep();
      untracked = new XdpPolicies(build.xdp(), maps, xdpAttacher, this::retireOtherBuilds);
      for (Family family : Family.values()) {
        int n = family.number();
        cleaners.put(family, keep(new Cleaner(objects, maps, family)));
        ct.put(family, map("ct" + n, CtKey.codec(family), CtValue.codec(family)));
        directs.put(family, map("directs" + n, Codec.U32, Codec.U32));
        frontends.put(family, map("frontends" + n, FrontendKey.codec(family), Frontend.codec()));
        backends.put(family, map("backends" + n, Codec.U32, Backend.codec(family)));
        routes.put(family, map("routes" + n, RouteKey.codec(family), Route.codec(family)));
        affinity.put(
            family, map("affinity" + n, AffinityKey.codec(family), Affinity.codec(family)));
        sourceRanges.put(family, map("source_ranges" + n, SourceRangeKey.codec(family), Codec.U32));
        dsrOptout.put(family, map("dsr_optout" + n, RouteKey.codec(family), Codec.U32));
        ipSets.put(family, map("ip_sets" + n, IpSetKey.codec(family), Codec.U32));
        sources.put(family, map("sources" + n, SourceKey.codec(family), Codec.U32));
        nodeSources.put(family, map("node_sources" + n, NodeSourceKey.codec(family), Codec.U32));
      }
      services = map("services", Codec.U32, Service.codec());
      maglev = keep(new MaglevMap(maps.openArrayOfMaps("maglev")));
      backendGen = map("backend_gen", Codec.U32, BackendGen.codec());
      node = map("node", Codec.U32, NodeState.codec());
      qosLimits = map("qos", QosKey.codec(), QosLimit.codec());
      qosUse = map("qos_use", QosKey.codec(), QosUse.codec());
      ifaces =
          new IfaceMap(
              map("ifaces", Codec.U32, Iface.codec()), map("ifaces_far", Codec.U32, Iface.codec()));
      ruleHits = keep(new RuleHitsMap(maps.fd(RuleHitsMap.NAME).duplicate()));
      for (int hook = 0; hook < SluiceHook.HOOK_COUNT; hook++) {
        policySlots.add(new PolicySlots(build.hook(hook).policies(), System::nanoTime));
      }
      counters = keep(maps.openPerCpu("counters", Counter.codec()));
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private static void requireKernel() {
    Optional<String> complaint = Privileges.complaint();
    if (complaint.isPresent()) {
      throw Errno.failure("open the dataplane", Errno.EPERM, complaint.get());
    }
    if (!KernelFeatures.atLeast(OLDEST_MAJOR, OLDEST_MINOR)) {
      throw Errno.failure(
          "open the dataplane",
          Errno.EOPNOTSUPP,
          "Linux %s is too old, %d.%d is the oldest that will do"
              .formatted(KernelFeatures.release(), OLDEST_MAJOR, OLDEST_MINOR));
    }
  }

  private <T extends AutoCloseable> T keep(T resource) {
    opened.push(resource);
    return resource;
  }

  private <K, V> BpfMap<K, V> map(String name, Codec<K> key, Codec<V> value) {
    return keep(maps.open(name, key, value));
  }

  private Build openBuild(DataplaneOptions options, Objects objects) {
    Settings settings =
        new Settings(
            0,
            0,
            clock.hz(),
            options.redirectPeer() ? 1 : 0,
            KernelFeatures.castToKernelContext() ? 1 : 0,
            options.psnatFirst(),
            options.psnatLast(),
            options.dsr() ? 1 : 0,
            options.vxlanPort());
    try {
      return Build.open(root, objects, maps, settings, options.debug());
    } catch (VerifierException e) {
      throw new VerifierException(
          "load the programs (what is attached goes on unchanged): " + e.what(),
          e.errno(),
          e.log());
    }
  }

  /** What people should know of the opening, a line each: maps set aside, sizes kept. */
  public List<String> notes() {
    return List.copyOf(maps.notes());
  }

  /** Names the set of programs that {@link #attach} attaches. */
  public String buildId() {
    return build.id();
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
    return backendGen;
  }

  @Override
  public TypedMap<Integer, MaglevTable> maglev() {
    return maglev;
  }

  @Override
  public TypedMap<Integer, Integer> directs(Family family) {
    return directs.get(family);
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
  public TypedMap<RouteKey, Integer> dsrOptout(Family family) {
    return dsrOptout.get(family);
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
    return CounterRows.read(counters);
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
  public TypedMap<IpSetKey, Integer> ipSets(Family family) {
    return ipSets.get(family);
  }

  @Override
  public RuleHits ruleHits() {
    return ruleHits;
  }

  @Override
  public void setPolicy(int hook, int slot, PolicyProgram program) {
    policySlots(hook).set(slot, program, (name, code) -> build.loadPolicy(hook, maps, name, code));
  }

  @Override
  public void clearPolicy(int hook, int slot) {
    policySlots(hook).clear(slot);
  }

  @Override
  public Map<Integer, String> policies(int hook) {
    return PolicySlots.names(build.hook(hook).policies());
  }

  private PolicySlots policySlots(int hook) {
    return policySlots.get(java.util.Objects.checkIndex(hook, policySlots.size()));
  }

  @Override
  public Untracked untracked() {
    return untracked;
  }

  @Override
  public Attachment attach(String name, int ifindex) {
    List<String> foreign = attacher.attach(name, ifindex, build);
    retireOtherBuilds();
    return new Attachment(name, ifindex, attacher.mechanism(), foreign);
  }

  @Override
  public void detach(String name, int ifindex) {
    attacher.detach(ifindex);
    retireOtherBuilds();
  }

  @Override
  public Map<Integer, Attachment> attachments() {
    return attacher.attachments();
  }

  /** Removes sets of programs that no interface runs, and that are not this one. */
  private synchronized void retireOtherBuilds() {
    List<Path> others =
        Pins.list(root).stream()
            .filter(folder -> folder.getFileName().toString().matches(Build.FOLDER))
            .filter(folder -> !folder.getFileName().toString().equals(build.id()))
            .toList();
    if (others.isEmpty()) {
      return;
    }
    Set<Integer> inUse = attacher.programsInUse();
    inUse.addAll(xdpAttacher.programsInUse());
    for (Path folder : others) {
      if (Build.preambleIds(folder).stream().noneMatch(inUse::contains)) {
        Pins.deleteTree(folder);
      }
    }
  }

  @Override
  public CleanResult clean(Family family, Map<CtKey, CtJudged> judged) {
    return cleaners.get(family).clean(judged);
  }

  /**
   * Removes the dataplane below a bpffs: takes every preamble off its interface, with what came
   * with it, and unpins all. To be called in the network namespace of its interfaces. No error if
   * there is none.
   *
   * @throws io.sluice.kernel.bpf.KernelException with EAGAIN if a process has it open
   */
  public static void uninstall(Path bpffs) {
    Pins.requireBpffs(bpffs);
    Path root = bpffs.resolve(Pins.ROOT);
    if (!Pins.exists(root)) {
      return;
    }
    try (Fd lock = Pins.lock(root)) {
      lock.number();
      new Attacher(root, true).detachAll();
      new XdpAttacher(root).detachAll();
      Pins.deleteTree(root);
    }
  }

  @Override
  public void close() {
    RuntimeException failure = null;
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (RuntimeException e) {
        failure = e;
      } catch (Exception e) {
        failure = new IllegalStateException(e);
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
