// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestBpffs;
import io.sluice.kernel.testing.TestNetns;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@RequiresKernel
class AttachTest {
  private TestNetns netns;
  private int ifindex;
  private Fd first;
  private Fd second;

  @BeforeEach
  void setUp() {
    netns = TestNetns.create("kbpf");
    netns.sh("ip link add va type veth peer name vb");
    ifindex = Integer.parseInt(netns.sh("cat /sys/class/net/va/ifindex").strip());
    first = Programs.load(Programs.SCHED_CLS, "first", Code.returning(0), List.of());
    second = Programs.load(Programs.SCHED_CLS, "second", Code.returning(-1), List.of());
  }

  @AfterEach
  void tearDown() {
    first.close();
    second.close();
    netns.close();
  }

  private static int id(Fd program) {
    return ProgramInfo.of(program).id();
  }

  private HookQuery query(TcxLink.Hook hook) {
    return netns.netns().run(() -> HookQuery.of(ifindex, hook));
  }

  private TcxLink attach(Fd program, TcxLink.Hook hook, OptionalLong revision) {
    return netns.netns().run(() -> TcxLink.attach(program, ifindex, hook, revision));
  }

  @ParameterizedTest
  @EnumSource
  void tcxAttachUpdateDetach(TcxLink.Hook hook) {
    try (TcxLink link = attach(first, hook, OptionalLong.empty())) {
      TcxLink.Info info = link.info();
      assertThat(info.tcx()).isTrue();
      assertThat(info.ifindex()).isEqualTo(ifindex);
      assertThat(info.programId()).isEqualTo(id(first));
      assertThat(info.ingress()).isEqualTo(hook == TcxLink.Hook.INGRESS);
      assertThat(query(hook).attached())
          .containsExactly(new HookQuery.Attached(id(first), info.id()));

      link.update(second);
      assertThat(query(hook).attached())
          .containsExactly(new HookQuery.Attached(id(second), info.id()));

      link.detach();
      assertThat(query(hook).attached()).isEmpty();
      assertThat(link.info().ifindex()).isZero();
      link.detach();
    }
  }

  @Test
  void oursComesFirst() {
    TcxLink.Hook hook = TcxLink.Hook.INGRESS;
    try (TcxLink theirs = attach(first, hook, OptionalLong.empty());
        TcxLink ours = attach(second, hook, OptionalLong.of(query(hook).revision()))) {
      assertThat(query(hook).attached())
          .extracting(HookQuery.Attached::programId)
          .containsExactly(id(second), id(first));
      assertThat(theirs.info().id()).isNotEqualTo(ours.info().id());
    }
    assertThat(query(hook).attached()).isEmpty();
  }

  @Test
  void hookThatChangedMeanwhileIsLeftAlone() {
    TcxLink.Hook hook = TcxLink.Hook.EGRESS;
    long before = query(hook).revision();
    try (TcxLink theirs = attach(first, hook, OptionalLong.empty())) {
      assertThatExceptionOfType(KernelException.class)
          .isThrownBy(() -> attach(second, hook, OptionalLong.of(before)))
          .matches(e -> e.errno() == Errno.ESTALE);
      assertThat(theirs.info().programId()).isEqualTo(id(first));
    }
  }

  @Test
  void pinnedLinkOutlivesItsDescriptorButNotItsInterface() {
    try (TestBpffs bpffs = TestBpffs.mount()) {
      Path pin = bpffs.path().resolve("link");
      try (TcxLink link = attach(first, TcxLink.Hook.INGRESS, OptionalLong.empty())) {
        Bpf.pin(link.fd(), pin);
      }
      assertThat(query(TcxLink.Hook.INGRESS).attached()).hasSize(1);
      netns.sh("ip link delete va");
      try (TcxLink link = new TcxLink(Bpf.get(pin))) {
        assertThat(link.info().ifindex()).isZero();
        assertThatExceptionOfType(KernelException.class)
            .isThrownBy(() -> link.update(second))
            .matches(e -> e.errno() == Errno.ENOLINK);
      }
    }
  }

  @Test
  void interfaceThatIsGone() {
    assertThatExceptionOfType(KernelException.class)
        .isThrownBy(
            () ->
                netns
                    .netns()
                    .run(
                        () ->
                            TcxLink.attach(
                                first, 99_999, TcxLink.Hook.INGRESS, OptionalLong.empty())))
        .withMessageContaining("attach to TCX ingress of ifindex 99999: ENODEV");
  }

  @ParameterizedTest
  @EnumSource
  void clsactAttachReplaceDetach(TcxLink.Hook hook) {
    ClsactFilter filter = new ClsactFilter(ifindex, hook);
    netns
        .netns()
        .run(
            () -> {
              assertThat(filter.programId()).isEmpty();
              filter.detach();
              assertThat(ClsactFilter.createQdisc(ifindex)).isTrue();
              assertThat(ClsactFilter.createQdisc(ifindex)).isFalse();
              assertThat(filter.programId()).isEmpty();
              filter.attach(first);
              assertThat(filter.programId()).isEqualTo(OptionalInt.of(id(first)));
              filter.attach(second);
              assertThat(filter.programId()).isEqualTo(OptionalInt.of(id(second)));
              return null;
            });
    String direction = hook == TcxLink.Hook.INGRESS ? "ingress" : "egress";
    assertThat(netns.sh("tc filter show dev va " + direction))
        .as("replaced, not added")
        .containsOnlyOnce("direct-action")
        .contains("second");
    netns
        .netns()
        .run(
            () -> {
              filter.detach();
              filter.detach();
              assertThat(filter.programId()).isEmpty();
              ClsactFilter.destroyQdisc(ifindex);
              ClsactFilter.destroyQdisc(ifindex);
              return null;
            });
    assertThat(netns.sh("tc qdisc show dev va")).doesNotContain("clsact");
  }
}
