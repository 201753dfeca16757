// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestNetns;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@RequiresKernel
class QdiscTest {
  private static final int HANDLE = 0x5106_0000;
  private TestNetns here;
  private Netlink netlink;
  private int a;

  @BeforeEach
  void open() {
    here = TestNetns.create("knet-qdisc");
    here.sh("ip link add dev x0 type veth peer name x1; ip link set dev x0 up");
    netlink = Netlink.open(here.netns());
    a = netlink.link("x0").orElseThrow().index();
  }

  @AfterEach
  void close() {
    netlink.close();
    here.close();
  }

  private RootQdisc root() {
    return netlink.rootQdiscs().stream().filter(q -> q.ifindex() == a).findFirst().orElseThrow();
  }

  @ParameterizedTest
  @CsvSource({
    "125, 20000, 20003",
    "1250000, 100000, 131250",
    "6000000000, 4294967295, 4294967295",
    "125000000000000, 4294967295, 4294967295"
  })
  void aTokenBucketFilterIsReadAsItWasWritten(long rate, long burst, long limit) {
    assertThat(root().handle()).as("the kernel's own").isZero();
    netlink.putTbf(a, HANDLE, 1000, 5000, 7000);
    netlink.putTbf(a, HANDLE, rate, burst, limit);
    assertThat(root()).isEqualTo(new RootQdisc(a, HANDLE, "tbf", rate, limit));
    assertThat(here.sh("tc qdisc show dev x0")).contains("qdisc tbf 5106:");
    assertThat(netlink.deleteRootQdisc(a, HANDLE)).isTrue();
    assertThat(root().handle()).isZero();
    assertThat(netlink.deleteRootQdisc(a, HANDLE)).isFalse();
  }
}
