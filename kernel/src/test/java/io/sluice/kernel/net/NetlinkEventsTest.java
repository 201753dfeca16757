// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.net.NetlinkEvent.AddressChanged;
import io.sluice.kernel.net.NetlinkEvent.Change;
import io.sluice.kernel.net.NetlinkEvent.LinkChanged;
import io.sluice.kernel.net.NetlinkEvent.NeighbourChanged;
import io.sluice.kernel.net.NetlinkEvent.Resync;
import io.sluice.kernel.net.NetlinkEvent.RouteChanged;
import io.sluice.kernel.net.NetlinkEvents.Topic;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestNetns;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@RequiresKernel
@Timeout(60)
class NetlinkEventsTest {
  private final List<NetlinkEvent> seen = new CopyOnWriteArrayList<>();
  private TestNetns here;
  private Netlink netlink;
  private NetlinkEvents events;

  @BeforeEach
  void open() {
    here = TestNetns.create("knet-event");
    netlink = Netlink.open(here.netns());
  }

  @AfterEach
  void close() {
    if (events != null) {
      events.close();
    }
    netlink.close();
    here.close();
  }

  private void awaitEvent(NetlinkEvent event) {
    await().untilAsserted(() -> assertThat(seen).contains(event));
  }

  @Test
  void interfacesAreSeenToComeChangeAndGo() {
    events = NetlinkEvents.open(here.netns(), EnumSet.of(Topic.LINKS), seen::add);
    Link made = netlink.createVeth("x0", 0, "x1");
    awaitEvent(new LinkChanged(Change.PRESENT, made));
    netlink.setMtu(made.index(), 1280);
    Link changed = netlink.link("x0").orElseThrow();
    awaitEvent(new LinkChanged(Change.PRESENT, changed));
    netlink.deleteLink(made.index());
    await()
        .untilAsserted(
            () ->
                assertThat(seen)
                    .filteredOn(e -> e instanceof LinkChanged link && link.change() == Change.GONE)
                    .extracting(e -> ((LinkChanged) e).link().name())
                    .containsExactlyInAnyOrder("x0", "x1"));
    assertThat(seen).hasOnlyElementsOfType(LinkChanged.class);
  }

  @ParameterizedTest
  @EnumSource
  void addressesRoutesAndNeighboursAreSeen(Family family) {
    int index = netlink.createVeth("x0", 0, "x1").index();
    netlink.setUp(index, true);
    Ip ip = Ip.parse(family == Family.IPV4 ? "10.65.0.2" : "fd00:65::2");
    Route route = Route.onLink(ip, family.bits(), index);
    Neighbour neighbour = Neighbour.permanent(index, ip, Mac.parse("02:00:00:00:00:01"));
    events = NetlinkEvents.open(here.netns(), EnumSet.allOf(Topic.class), seen::add);
    netlink.putAddress(Address.of(1, ip, family.bits()));
    Address address =
        netlink.addresses(1).stream().filter(a -> a.address().equals(ip)).findAny().orElseThrow();
    awaitEvent(new AddressChanged(Change.PRESENT, address));
    netlink.deleteAddress(address);
    awaitEvent(new AddressChanged(Change.GONE, address));

    netlink.addRoute(route);
    awaitEvent(new RouteChanged(Change.PRESENT, route));
    netlink.deleteRoute(route);
    awaitEvent(new RouteChanged(Change.GONE, route));

    netlink.replaceNeighbour(neighbour);
    awaitEvent(new NeighbourChanged(Change.PRESENT, neighbour));
  }

  @Test
  void lostEventsBecomeAResyncAndLaterOnesFollow() throws InterruptedException {
    CountDownLatch busy = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    events =
        here.netns()
            .run(
                () ->
                    NetlinkEvents.open(
                        EnumSet.of(Topic.LINKS),
                        4096,
                        event -> {
                          seen.add(event);
                          busy.countDown();
                          try {
                            go.await();
                          } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                          }
                        }));
    int index = netlink.createVeth("x0", 0, "x1").index();
    for (int i = 0; i < 200; i++) {
      netlink.setMtu(index, 1400 + i % 2);
    }
    assertThat(busy.await(10, TimeUnit.SECONDS)).isTrue();
    go.countDown();
    await().untilAsserted(() -> assertThat(seen).contains(new Resync()));
    netlink.createVeth("later", 0, "x2");
    await()
        .untilAsserted(
            () ->
                assertThat(seen)
                    .anyMatch(
                        e -> e instanceof LinkChanged link && link.link().name().equals("later")));
    assertThat(seen).hasSizeLessThan(200);
  }

  @Test
  void aListenerThatThrowsGoesOn() {
    events =
        NetlinkEvents.open(
            here.netns(),
            EnumSet.of(Topic.LINKS),
            event -> {
              seen.add(event);
              throw new IllegalStateException("meant to fail: part of a test");
            });
    netlink.createVeth("x0", 0, "x1");
    await().untilAsserted(() -> assertThat(seen).hasSizeGreaterThan(1));
  }

  @Test
  void closingEndsTheThreadFromOutsideAndFromWithin() {
    AtomicReference<Thread> thread = new AtomicReference<>();
    events =
        NetlinkEvents.open(
            here.netns(), EnumSet.of(Topic.LINKS), e -> thread.set(Thread.currentThread()));
    netlink.createVeth("x0", 0, "x1");
    await().until(() -> thread.get() != null);
    events.close();
    assertThat(thread.get().isAlive()).isFalse();
    events.close();

    AtomicReference<NetlinkEvents> self = new AtomicReference<>();
    self.set(
        NetlinkEvents.open(
            here.netns(),
            EnumSet.of(Topic.LINKS),
            e -> {
              thread.set(Thread.currentThread());
              await().until(() -> self.get() != null);
              self.get().close();
            }));
    thread.set(null);
    netlink.createVeth("y0", 0, "y1");
    await().until(() -> thread.get() != null && !thread.get().isAlive());
  }
}
