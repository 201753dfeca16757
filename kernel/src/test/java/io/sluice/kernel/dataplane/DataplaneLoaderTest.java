// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.kernel.asm.PolicyPrograms;
import io.sluice.kernel.bpf.Bpf;
import io.sluice.kernel.bpf.BpfMap;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.bpf.MapInfo;
import io.sluice.kernel.bpf.MapSpec;
import io.sluice.kernel.bpf.MapType;
import io.sluice.kernel.bpf.PerCpuArray;
import io.sluice.kernel.bpf.ProgramArray;
import io.sluice.kernel.bpf.VerifierException;
import io.sluice.kernel.layout.BackendGen;
import io.sluice.kernel.layout.Counter;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Frontend;
import io.sluice.kernel.layout.FrontendKey;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceLimits;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.IpSetKey;
import io.sluice.kernel.layout.NodeState;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceProgIndex;
import io.sluice.kernel.policy.Chain;
import io.sluice.kernel.policy.Plan;
import io.sluice.kernel.policy.PolicyGenerator;
import io.sluice.kernel.policy.PolicyProgram;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestBpffs;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Opening, adopting and filling; attaching is in AttacherTest. */
@RequiresKernel
class DataplaneLoaderTest {
  private static final Map<String, Integer> SMALL =
      Map.of("ct4", 4096, "ct6", 4096, "backends4", 1024, "backends6", 1024);
  private static final PolicyProgram ALLOW = PolicyProgram.of("allow", PolicyPrograms.allowAll());
  private static final PolicyProgram DENY = PolicyProgram.of("deny", PolicyPrograms.denyAll());

  private TestBpffs bpffs;
  private Path root;
  private DataplaneOptions options;

  @BeforeEach
  void mount() {
    bpffs = TestBpffs.mount();
    root = bpffs.path().resolve("sluice");
    options = DataplaneOptions.defaults(bpffs.path()).withMapSizes(SMALL);
  }

  @AfterEach
  void unmount() {
    bpffs.close();
  }

  private DataplaneLoader open() {
    return DataplaneLoader.open(options);
  }

  private Map<Integer, Integer> programs(DataplaneLoader dataplane, String array) {
    Path pin = root.resolve(dataplane.buildId()).resolve(array);
    try (ProgramArray programs = new ProgramArray(array, Bpf.get(pin))) {
      return programs.programIds();
    }
  }

  private static FrontendKey frontend(Family family) {
    return new FrontendKey(Ip.any(family), 80, 6);
  }

  @ParameterizedTest
  @EnumSource
  @Tag("INV-CT-6")
  void reopeningKeepsEveryEntryAndProgram(Family family) {
    String id;
    Map<Integer, Integer> before;
    try (DataplaneLoader dataplane = open()) {
      assertThat(dataplane.notes()).isEmpty();
      dataplane.frontends(family).put(frontend(family), new Frontend(7, 1));
      dataplane.backendGen().put(5, new BackendGen(3));
      dataplane.setPolicy(SluiceHook.HOOK_OUT, 9, ALLOW);
      id = dataplane.buildId();
      before = programs(dataplane, "progs_in");
    }
    try (DataplaneLoader dataplane = open()) {
      assertThat(dataplane.notes()).isEmpty();
      assertThat(dataplane.buildId()).isEqualTo(id);
      assertThat(programs(dataplane, "progs_in")).isEqualTo(before);
      assertThat(dataplane.frontends(family).get(frontend(family))).contains(new Frontend(7, 1));
      assertThat(dataplane.backendGen().get(5)).contains(new BackendGen(3));
      assertThat(dataplane.policies(SluiceHook.HOOK_OUT).keySet()).containsExactly(9);
    }
  }

  @Test
  @Tag("INV-CT-6")
  void mapOfAnotherLayoutIsSetAsideAndNeverRead() {
    Path pin = root.resolve("maps").resolve("frontends4");
    Pins.makeFolder(root.resolve("maps"));
    int strange;
    try (Fd map = new MapSpec(MapType.HASH, "frontends4", 8, 8, 65_536, 0).create()) {
      strange = MapInfo.of(map).id(); // the sizes are right: only the types are not
      Bpf.pin(map, pin);
    }
    try (DataplaneLoader dataplane = open()) {
      Path aside = root.resolve("aside").resolve("frontends4-1");
      assertThat(dataplane.notes())
          .singleElement()
          .asString()
          .contains("map frontends4 is of another layout")
          .contains("key layout unknown instead of struct frontend_key4{")
          .contains("value layout unknown instead of struct frontend{")
          .contains(aside.toString());
      try (Fd old = Bpf.get(aside);
          Fd now = Bpf.get(pin)) {
        assertThat(MapInfo.of(old).id()).isEqualTo(strange);
        assertThat(MapInfo.of(now).id()).isNotEqualTo(strange);
      }
      dataplane.frontends(Family.IPV4).put(frontend(Family.IPV4), new Frontend(1, 1));
    }
    try (DataplaneLoader dataplane = open()) {
      assertThat(dataplane.notes()).as("reported once").isEmpty();
    }
  }

  @Test
  @Tag("INV-CT-6")
  void everyDifferenceIsListed() {
    Pins.makeFolder(root.resolve("maps"));
    try (Fd map = new MapSpec(MapType.ARRAY, "node", 4, 128, 2, 0).create()) {
      Bpf.pin(map, root.resolve("maps").resolve("node"));
    }
    try (DataplaneLoader dataplane = open()) {
      assertThat(dataplane.notes())
          .singleElement()
          .asString()
          .contains("value size 128 instead of 64, max entries 2 instead of 1");
    }
  }

  @Test
  void adoptedMapKeepsItsSize() {
    open().close();
    try (DataplaneLoader dataplane =
        DataplaneLoader.open(options.withMapSizes(Map.of("backends4", 2048)))) {
      assertThat(dataplane.backends(Family.IPV4).maxEntries()).isEqualTo(1024);
      assertThat(dataplane.notes())
          .contains("map backends4 keeps its size of 1024, not 2048, until sluice is uninstalled");
    }
  }

  @Test
  @Tag("INV-PROG-1")
  @Tag("INV-OBS-2")
  void genericArraysHoldWhatTheirHookUses() {
    try (DataplaneLoader dataplane = open()) {
      Set<Integer> in = programs(dataplane, "progs_in").keySet();
      Set<Integer> out = programs(dataplane, "progs_out").keySet();
      assertThat(in).hasSize(SluiceProgIndex.PROG_COUNT);
      assertThat(in).allMatch(index -> index < SluiceProgIndex.PROG_DEBUG);
      // Hosts send, too: answers to them are made at host-egress.
      assertThat(out).isEqualTo(in);
    }
    try (DataplaneLoader dataplane = DataplaneLoader.open(options.withDebug(true))) {
      assertThat(programs(dataplane, "progs_in").keySet()).hasSize(SluiceProgIndex.PROG_SLOTS);
    }
  }

  @Test
  @Tag("INV-PROG-4")
  void hooksHaveArraysOfTheirOwn() {
    try (DataplaneLoader dataplane = open()) {
      dataplane.setPolicy(SluiceHook.HOOK_IN, 1, ALLOW);
      assertThat(dataplane.policies(SluiceHook.HOOK_IN).keySet()).containsExactly(1);
      assertThat(dataplane.policies(SluiceHook.HOOK_OUT).keySet()).isEmpty();
      assertThat(programs(dataplane, "progs_in").values())
          .doesNotContainAnyElementsOf(programs(dataplane, "progs_out").values());
    }
  }

  @Test
  @Tag("INV-PROG-3")
  void policyReplacesOneSlotAndNothingElse() {
    try (DataplaneLoader dataplane = open()) {
      dataplane.setPolicy(SluiceHook.HOOK_IN, 1, ALLOW);
      dataplane.setPolicy(SluiceHook.HOOK_IN, 2, ALLOW);
      Map<Integer, Integer> policies = programs(dataplane, "policies_in");
      Map<Integer, Integer> generic = programs(dataplane, "progs_in");

      dataplane.setPolicy(SluiceHook.HOOK_IN, 2, DENY);

      Map<Integer, Integer> after = programs(dataplane, "policies_in");
      assertThat(after.get(1)).isEqualTo(policies.get(1));
      assertThat(after.get(2)).isNotEqualTo(policies.get(2));
      assertThat(programs(dataplane, "progs_in")).isEqualTo(generic);

      dataplane.clearPolicy(SluiceHook.HOOK_IN, 1);
      dataplane.clearPolicy(SluiceHook.HOOK_IN, 1);
      assertThat(dataplane.policies(SluiceHook.HOOK_IN).keySet()).containsExactly(2);
    }
  }

  @Test
  void everyPolicyIsFoundByItsNameWithoutTheAgent() {
    PolicyProgram program = PolicyGenerator.generate(Plan.of(Chain.DENY_ALL));
    try (DataplaneLoader dataplane = open()) {
      dataplane.setPolicy(SluiceHook.HOOK_IN, 3, program);
      dataplane.setPolicy(SluiceHook.HOOK_OUT, 4, program);
      assertThat(dataplane.policies(SluiceHook.HOOK_IN)).isEqualTo(Map.of(3, program.name()));
      try (PinnedDataplane pinned = PinnedDataplane.open(bpffs.path())) {
        assertThat(pinned.policies(SluiceHook.HOOK_OUT)).isEqualTo(Map.of(4, program.name()));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void setsAndHitsAreReadAsTheyWereWritten(Family family) {
    IpSetKey key = new IpSetKey(64, 1, 2, Ip.any(family), 0, 0);
    try (DataplaneLoader dataplane = open()) {
      dataplane.ipSets(family).put(key, 1);
      dataplane.ruleHits().add(List.of(1L, 2L, -3L));
      dataplane.ruleHits().add(List.of(2L, 4L));
      dataplane.ruleHits().remove(List.of(1L, 5L));
      try (PinnedDataplane pinned = PinnedDataplane.open(bpffs.path())) {
        assertThat(pinned.ipSets(family).get(key)).contains(1);
        assertThat(pinned.ruleHits().keys()).containsExactlyInAnyOrder(2L, -3L, 4L);
        assertThat(pinned.ruleHits().read()).isEqualTo(Map.of(2L, 0L, -3L, 0L, 4L, 0L));
      }
    }
  }

  @Test
  void policyThatTheVerifierRefusesLeavesTheOldOne() {
    try (DataplaneLoader dataplane = open()) {
      dataplane.setPolicy(SluiceHook.HOOK_IN, 1, ALLOW);
      Map<Integer, Integer> before = programs(dataplane, "policies_in");
      assertThatExceptionOfType(VerifierException.class)
          .isThrownBy(
              () ->
                  dataplane.setPolicy(SluiceHook.HOOK_IN, 1, PolicyProgram.of("bad", new byte[16])))
          .withMessageContaining("load program bad");
      assertThat(programs(dataplane, "policies_in")).isEqualTo(before);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> dataplane.setPolicy(SluiceHook.HOOK_IN, 0, ALLOW))
          .withMessageContaining("fail closed");
    }
  }

  @Test
  @Tag("INV-PROG-5")
  void refusedProgramsLeaveNothingOfTheirSetAndTellTheLog() {
    String id;
    try (DataplaneLoader dataplane = open()) {
      id = dataplane.buildId();
    }
    List<Path> before = Pins.list(root);
    Objects broken = TestBuilds.with(Map.of("tc6", TestBuilds.refused()));
    assertThatExceptionOfType(VerifierException.class)
        .isThrownBy(() -> DataplaneLoader.open(options, broken))
        .withMessageContaining("what is attached goes on unchanged")
        .withMessageContaining("tc6 for host-ingress")
        .withMessageContaining("invalid mem access")
        .satisfies(e -> assertThat(e.log()).contains("processed "));
    assertThat(Pins.list(root)).isEqualTo(before);
    try (DataplaneLoader dataplane = open()) {
      assertThat(dataplane.buildId()).isEqualTo(id);
    }
  }

  @Test
  void halfMadeSetIsMadeAnew() {
    Path folder;
    try (DataplaneLoader dataplane = open()) {
      folder = root.resolve(dataplane.buildId());
    }
    Pins.delete(folder.resolve("preamble_in")); // as if killed before the last pin
    Pins.delete(folder.resolve("progs_out"));
    try (DataplaneLoader dataplane = open()) {
      assertThat(root.resolve(dataplane.buildId())).isEqualTo(folder);
      assertThat(programs(dataplane, "progs_out")).isNotEmpty();
      assertThat(Pins.exists(folder.resolve("preamble_in"))).isTrue();
    }
  }

  @Test
  void secondAgentIsRefused() {
    try (DataplaneLoader dataplane = open()) {
      assertThat(dataplane.hz()).isPositive();
      assertThatExceptionOfType(KernelException.class)
          .isThrownBy(this::open)
          .withMessageContaining("another agent runs this dataplane")
          .matches(e -> e.errno() == Errno.EAGAIN);
      assertThatExceptionOfType(KernelException.class)
          .isThrownBy(() -> DataplaneLoader.uninstall(bpffs.path()))
          .withMessageContaining("another agent runs this dataplane");
    }
    open().close();
  }

  @Test
  void placeWithoutBpffs() {
    assertThatExceptionOfType(KernelException.class)
        .isThrownBy(() -> DataplaneLoader.open(DataplaneOptions.defaults(Path.of("/proc"))))
        .withMessageContaining("mount -t bpf bpf /proc");
    assertThatExceptionOfType(KernelException.class)
        .isThrownBy(() -> DataplaneLoader.open(DataplaneOptions.defaults(Path.of("/nowhere"))))
        .withMessageContaining("mount -t bpf bpf /nowhere");
  }

  @Test
  void interfacesByIndexNearAndFar() {
    try (DataplaneLoader dataplane = open()) {
      Iface iface = new Iface(3, 1, 1, 0, 0, Ip.parse("10.244.1.2"), Ip.ANY6, "cali1", 0);
      int far = IfaceLimits.IFACE_ARRAY_SIZE;
      dataplane.ifaces().putAll(Map.of(4, iface, far, iface));
      assertThat(dataplane.ifaces().get(4)).contains(iface);
      assertThat(dataplane.ifaces().get(far)).contains(iface);
      assertThat(dataplane.ifaces().get(5)).isEmpty();
      dataplane.ifaces().removeAll(List.of(4, 5, far, far + 1));
      dataplane.ifaces().forEach((ifindex, left) -> assertThat(left).as("%d", ifindex).isNull());
    }
  }

  @Test
  void countersAreSummedOverCpus() {
    try (DataplaneLoader dataplane = open();
        Fd fd = Bpf.get(root.resolve("maps").resolve("counters"));
        PerCpuArray<Counter> raw = new PerCpuArray<>("counters", fd, Counter.codec())) {
      assertThat(dataplane.counters()).isEmpty();
      int cpus = PerCpuArray.possibleCpus();
      raw.set(64 + 3, Collections.nCopies(cpus, new Counter(5, 500)));
      assertThat(dataplane.counters())
          .containsExactly(new Dataplane.CounterRow(1, 3, new Counter(5L * cpus, 500L * cpus)));
    }
  }

  @Test
  void nodeStateIsOneElement() {
    try (DataplaneLoader dataplane = open()) {
      dataplane.node().put(0, new NodeState(12, 0, 0, 0, 0, Ip.ANY4, Ip.ANY6));
      assertThat(dataplane.node().get(0)).contains(new NodeState(12, 0, 0, 0, 0, Ip.ANY4, Ip.ANY6));
      assertThat(((BpfMap<?, ?>) dataplane.node()).info().type()).isEqualTo(MapType.ARRAY);
    }
  }

  @Test
  @Tag("INV-AG-4")
  void uninstallLeavesTheBpffsAsItWas() {
    List<Path> before = Pins.list(bpffs.path());
    open().close();
    DataplaneLoader.uninstall(bpffs.path());
    assertThat(Pins.list(bpffs.path())).isEqualTo(before);
    DataplaneLoader.uninstall(bpffs.path());
  }
}
