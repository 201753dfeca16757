// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestNetns;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@RequiresKernel
class AddressTest {
  private TestNetns here;
  private Netlink netlink;
  private int a;

  @BeforeEach
  void open() {
    here = TestNetns.create("knet-addr");
    netlink = Netlink.open(here.netns());
    a = netlink.createVeth("x0", 0, "x1").index();
    netlink.setUp(a, true);
    netlink.setUp(netlink.link("x1").orElseThrow().index(), true);
  }

  @AfterEach
  void close() {
    netlink.close();
    here.close();
  }

  private static Ip ip(Family family) {
    return Ip.parse(family == Family.IPV4 ? "169.254.1.1" : "fe80::ecee:eeff:feee:eeee");
  }

  @ParameterizedTest
  @EnumSource
  void addressesComeAndGo(Family family) {
    Address address = Address.of(a, ip(family), family.bits());
    netlink.putAddress(address);
    netlink.putAddress(address);

    assertThat(netlink.addresses(a))
        .filteredOn(found -> found.address().equals(ip(family)))
        .as("kernels before 5.18 do not tell whose it is")
        .singleElement()
        .usingRecursiveComparison()
        .ignoringFields("protocol")
        .isEqualTo(address);
    assertThat(here.sh("ip addr show dev x0"))
        .contains(ip(family) + "/" + family.bits() + " scope link");

    assertThat(netlink.deleteAddress(address)).isTrue();
    assertThat(netlink.deleteAddress(address)).isFalse();
    assertThat(netlink.addresses(a)).extracting(Address::address).doesNotContain(ip(family));
  }

  @ParameterizedTest
  @EnumSource
  void anAbsentInterfaceIsExplained(Family family) {
    assertThatExceptionOfType(KernelException.class)
        .isThrownBy(() -> netlink.putAddress(Address.of(4711, ip(family), family.bits())))
        .withMessageContaining("put address " + ip(family))
        .withMessageContaining("ENODEV (No such device)")
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ENODEV));
    assertThat(netlink.addresses(4711)).isEmpty();
  }

  @Test
  @Tag("INV-AG-3")
  void aListHasNoHolesWhileOthersChange() {
    Set<Ip> stable = new HashSet<>();
    for (int i = 0; i < 1000; i++) {
      Ip ip = Ip.parse("10.1." + i / 250 + "." + (i % 250 + 1));
      netlink.putAddress(Address.of(1, ip, 32));
      stable.add(ip);
    }
    AtomicBoolean done = new AtomicBoolean();
    Thread churn =
        new Thread(
            () -> {
              try (Netlink other = Netlink.open(here.netns())) {
                // Link scope: it stands before the others, which move by a place each time.
                Address address = Address.of(1, Ip.parse("169.254.9.9"), 32);
                while (!done.get()) {
                  other.putAddress(address);
                  LockSupport.parkNanos(2_000_000);
                  other.deleteAddress(address);
                }
              }
            });
    churn.start();
    try {
      for (int round = 0; round < 100; round++) {
        assertThat(netlink.addresses()).extracting(Address::address).containsAll(stable);
      }
    } finally {
      done.set(true);
      await().until(() -> !churn.isAlive());
    }
  }

  @Test
  void listsBothFamiliesOfAllInterfacesAndLocalsNotPeers() {
    here.sh("ip addr add 192.0.2.1 peer 192.0.2.2 dev x0");
    assertThat(netlink.addresses())
        .extracting(Address::address)
        .contains(Ip.parse("127.0.0.1"), Ip.parse("::1"), Ip.parse("192.0.2.1"))
        .doesNotContain(Ip.parse("192.0.2.2"));
    assertThat(netlink.addresses(1))
        .extracting(Address::address)
        .containsExactlyInAnyOrder(Ip.parse("127.0.0.1"), Ip.parse("::1"));
  }
}
