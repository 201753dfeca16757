// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.HookQuery;
import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.bpf.Programs;
import io.sluice.kernel.bpf.TcxLink;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestBpffs;
import io.sluice.kernel.testing.TestNetns;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@RequiresKernel
class AttacherTest {
  private static final Objects OTHER =
      TestBuilds.with(Map.of("preamble4", TestBuilds.otherPreamble()));
  private static final Map<String, Integer> SMALL =
      Map.of("ct4", 4096, "ct6", 4096, "backends4", 1024, "backends6", 1024);

  private TestBpffs bpffs;
  private TestNetns netns;
  private Path root;
  private int va;
  private int vb;

  @BeforeEach
  void setUp() {
    bpffs = TestBpffs.mount();
    root = bpffs.path().resolve("sluice");
    netns = TestNetns.create("kbpf");
    netns.sh("ip link add va type veth peer name vb");
    va = ifindex("va");
    vb = ifindex("vb");
  }

  @AfterEach
  void tearDown() {
    bpffs.close();
    netns.close();
  }

  private int ifindex(String name) {
    return Integer.parseInt(netns.sh("cat /sys/class/net/" + name + "/ifindex").strip());
  }

  /** What a test does with an open dataplane, inside the namespace. */
  private interface Task {
    void run(DataplaneLoader dataplane);
  }

  private void open(boolean tcx, Objects objects, Task task) {
    DataplaneOptions options =
        DataplaneOptions.defaults(bpffs.path()).withMapSizes(SMALL).withTcx(tcx);
    netns
        .netns()
        .run(
            () -> {
              try (DataplaneLoader dataplane = DataplaneLoader.open(options, objects)) {
                task.run(dataplane);
              }
              return null;
            });
  }

  private void open(boolean tcx, Task task) {
    open(tcx, Objects.SHIPPED, task);
  }

  private List<HookQuery.Attached> links(int ifindex, TcxLink.Hook hook) {
    return netns.netns().run(() -> HookQuery.of(ifindex, hook).attached());
  }

  private List<Path> builds() {
    return Pins.list(root).stream()
        .filter(folder -> folder.getFileName().toString().matches(Build.FOLDER))
        .toList();
  }

  private String filters() {
    return netns.sh("tc filter show dev va ingress; tc filter show dev va egress");
  }

  @Test
  @Tag("INV-PROG-6")
  void attachingAgainChangesNothing() {
    open(
        true,
        dataplane -> {
          Dataplane.Attachment first = dataplane.attach("va", va);
          assertThat(first).isEqualTo(new Dataplane.Attachment("va", va, "tcx", List.of()));
          List<HookQuery.Attached> before = links(va, TcxLink.Hook.EGRESS);
          assertThat(before).hasSize(1);
          dataplane.attach("va", va);
          assertThat(links(va, TcxLink.Hook.EGRESS)).isEqualTo(before);
          assertThat(dataplane.attachments()).isEqualTo(Map.of(va, first));
        });
    List<HookQuery.Attached> closed = links(va, TcxLink.Hook.INGRESS);
    assertThat(closed).as("goes on without the agent").hasSize(1);
    open(
        true,
        dataplane -> {
          assertThat(dataplane.attachments()).containsOnlyKeys(va);
          dataplane.attach("va", va);
          assertThat(links(va, TcxLink.Hook.INGRESS)).isEqualTo(closed);
        });
  }

  @Test
  @Tag("INV-PROG-6")
  void anotherBuildTakesOverInPlaceAndTheOldOneGoesLast() {
    open(
        true,
        dataplane -> {
          dataplane.attach("va", va);
          dataplane.attach("vb", vb);
        });
    HookQuery.Attached old = links(va, TcxLink.Hook.INGRESS).get(0);
    assertThat(builds()).hasSize(1);
    open(
        true,
        OTHER,
        dataplane -> {
          assertThat(links(va, TcxLink.Hook.INGRESS)).containsExactly(old);
          assertThat(dataplane.attachments()).containsOnlyKeys(va, vb);
          dataplane.attach("va", va);
          assertThat(links(va, TcxLink.Hook.INGRESS))
              .as("the same link, with another program")
              .singleElement()
              .matches(now -> now.linkId() == old.linkId())
              .matches(now -> now.programId() != old.programId());
          assertThat(builds()).as("vb runs the old one").hasSize(2);
          dataplane.attach("vb", vb);
          assertThat(builds())
              .extracting(folder -> folder.getFileName().toString())
              .containsExactly(dataplane.buildId());
        });
  }

  @Test
  void detachTakesAllOff() {
    open(
        true,
        dataplane -> {
          dataplane.attach("va", va);
          dataplane.detach("va", va);
          dataplane.detach("va", va);
          assertThat(links(va, TcxLink.Hook.INGRESS)).isEmpty();
          assertThat(links(va, TcxLink.Hook.EGRESS)).isEmpty();
          assertThat(dataplane.attachments()).isEmpty();
          assertThat(Pins.list(root.resolve("links"))).isEmpty();
        });
  }

  @Test
  void interfaceThatIsNotThere() {
    open(
        true,
        dataplane ->
            assertThatExceptionOfType(KernelException.class)
                .isThrownBy(() -> dataplane.attach("vb", va))
                .withMessageContaining("attach to vb: ENODEV")
                .matches(e -> e.errno() == Errno.ENODEV));
    assertThat(links(va, TcxLink.Hook.INGRESS)).isEmpty();
  }

  @Test
  void hookThatFailsLeavesTheOtherAsItWas() {
    Path pin = root.resolve("links").resolve(va + "-out");
    open(
        true,
        dataplane -> {
          Pins.makeFolder(pin); // nothing can be pinned here, nor opened
          assertThatExceptionOfType(KernelException.class)
              .isThrownBy(() -> dataplane.attach("va", va));
          assertThat(links(va, TcxLink.Hook.INGRESS)).isEmpty();
          assertThat(links(va, TcxLink.Hook.EGRESS)).isEmpty();
        });
  }

  @Test
  void linksOfInterfacesThatAreGoneAreSwept() {
    open(true, dataplane -> dataplane.attach("va", va));
    netns.sh("ip link delete va");
    netns.sh("ip link add va index " + va + " type veth peer name vc");
    open(
        true,
        dataplane -> {
          assertThat(Pins.list(root.resolve("links"))).isEmpty();
          assertThat(dataplane.attachments()).isEmpty();
          dataplane.attach("va", va);
          assertThat(links(va, TcxLink.Hook.INGRESS)).hasSize(1);
          netns.sh("ip link delete va");
          netns.sh("ip link add va index " + va + " type veth peer name vc");
          dataplane.attach("va", va);
          assertThat(links(va, TcxLink.Hook.INGRESS)).as("index used anew").hasSize(1);
        });
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void programsOfOthersAreReportedAndLeftAlone(boolean tcx) {
    try (Fd theirs =
            Programs.load(
                Programs.SCHED_CLS,
                "theirs",
                new byte[] {(byte) 0xb7, 0, 0, 0, -1, -1, -1, -1, (byte) 0x95, 0, 0, 0, 0, 0, 0, 0},
                List.of());
        TcxLink link =
            netns
                .netns()
                .run(
                    () -> TcxLink.attach(theirs, va, TcxLink.Hook.INGRESS, OptionalLong.empty()))) {
      netns.sh("tc qdisc add dev va clsact");
      netns.sh("tc filter add dev va egress pref 7 bpf da bytecode '1,6 0 0 0,'");
      open(
          tcx,
          dataplane -> {
            Dataplane.Attachment attachment = dataplane.attach("va", va);
            assertThat(attachment.mechanism()).isEqualTo(tcx ? "tcx" : "clsact");
            assertThat(attachment.foreign())
                .contains("egress: bpf (pref 7, clsact)")
                .anyMatch(text -> text.matches("ingress: theirs \\(ID \\d+, tcx\\)"));
            dataplane.detach("va", va);
          });
      assertThat(link.info().ifindex()).isEqualTo(va);
      assertThat(filters()).contains("pref 7").doesNotContain("preamble");
    }
  }

  @Test
  @Tag("INV-PROG-6")
  void clsactReplacesAndNeverAdds() {
    open(
        false,
        dataplane -> {
          assertThat(dataplane.attach("va", va).mechanism()).isEqualTo("clsact");
          String before = filters();
          dataplane.attach("va", va);
          assertThat(filters()).isEqualTo(before);
        });
    String before = filters();
    assertThat(before.split("direct-action", -1)).as("one for each hook").hasSize(3);
    open(
        false,
        OTHER,
        dataplane -> {
          assertThat(dataplane.attachments()).containsOnlyKeys(va);
          dataplane.attach("va", va);
          assertThat(filters().split("direct-action", -1)).hasSize(3);
          assertThat(filters()).isNotEqualTo(before);
          assertThat(builds()).hasSize(1);
          dataplane.detach("va", va);
          assertThat(netns.sh("tc qdisc show dev va")).doesNotContain("clsact");
        });
  }

  @Test
  @Tag("INV-PROG-6")
  void leavingClsactCleansUpAfterIt() {
    open(false, dataplane -> dataplane.attach("va", va));
    open(
        true,
        dataplane -> {
          assertThat(dataplane.attach("va", va).mechanism()).isEqualTo("tcx");
          assertThat(links(va, TcxLink.Hook.EGRESS)).hasSize(1);
          assertThat(netns.sh("tc qdisc show dev va")).doesNotContain("clsact");
        });
    open(
        false,
        dataplane -> {
          dataplane.attach("va", va);
          assertThat(links(va, TcxLink.Hook.EGRESS)).isEmpty();
          assertThat(filters()).contains("preamble");
        });
  }

  @Test
  void qdiscOfOthersIsLeft() {
    netns.sh("tc qdisc add dev va clsact");
    open(
        false,
        dataplane -> {
          dataplane.attach("va", va);
          dataplane.detach("va", va);
        });
    assertThat(netns.sh("tc qdisc show dev va")).contains("clsact");
    assertThat(filters()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  @Tag("INV-AG-4")
  void uninstallTakesEverythingOff(boolean tcx) {
    List<Path> before = Pins.list(bpffs.path());
    String qdiscs = netns.sh("tc qdisc show");
    open(
        tcx,
        dataplane -> {
          dataplane.attach("va", va);
          dataplane.attach("vb", vb);
        });
    netns
        .netns()
        .run(
            () -> {
              DataplaneLoader.uninstall(bpffs.path());
              return null;
            });
    assertThat(links(va, TcxLink.Hook.INGRESS)).isEmpty();
    assertThat(links(vb, TcxLink.Hook.EGRESS)).isEmpty();
    assertThat(netns.sh("tc qdisc show")).isEqualTo(qdiscs);
    assertThat(Pins.list(bpffs.path())).isEqualTo(before);
  }
}
