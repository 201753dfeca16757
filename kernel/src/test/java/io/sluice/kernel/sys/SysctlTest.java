// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestNetns;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@RequiresKernel
class SysctlTest {
  private TestNetns here;

  @BeforeEach
  void open() {
    here = TestNetns.create("knet-sys");
    here.sh("ip link add dev v.1 type veth peer name v.2");
  }

  @AfterEach
  void close() {
    here.close();
  }

  private String set(String key, String value) {
    return here.netns().run(() -> Sysctl.set(key, value));
  }

  @ParameterizedTest
  @ValueSource(strings = {"net/ipv4/conf/v.1/proxy_arp", "net/ipv6/conf/v.1/proxy_ndp"})
  void settingsAreReadAndWrittenInTheThreadsNamespace(String key) {
    assertThat(Sysctl.get(key)).as("not in ours").isEmpty();
    assertThat(here.netns().run(() -> Sysctl.get(key))).contains("0");
    assertThat(set(key, "1")).as("the value before").isEqualTo("0");
    assertThat(set(key, "1")).isEqualTo("1");
    assertThat(here.sh("cat /proc/sys/" + key)).isEqualTo("1\n");
  }

  @Test
  void whatIsAbsentIsReported() {
    assertThat(Sysctl.get("net/ipv4/nosuch")).isEmpty();
    assertThatExceptionOfType(KernelException.class)
        .isThrownBy(() -> set("net/ipv4/conf/nosuch/rp_filter", "0"))
        .withMessageContaining("/proc/sys/net/ipv4/conf/nosuch/rp_filter: ENOENT")
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
  }

  @Test
  void aWrongValueIsExplained() {
    assertThatExceptionOfType(KernelException.class)
        .isThrownBy(() -> set("net/ipv4/ip_forward", "yes"))
        .withMessage("write yes to /proc/sys/net/ipv4/ip_forward: EINVAL (Invalid argument)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"net.ipv4.ip_forward", "net/../../etc/passwd", "/net/ipv4", ""})
  void keysArePathsBelowTheRoot(String key) {
    assertThatIllegalArgumentException().isThrownBy(() -> Sysctl.get(key));
  }
}
