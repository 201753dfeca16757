// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.tunnel;

import akka.Done;
import io.sluice.actors.host.HostNet;
import io.sluice.actors.host.HostNet.HostAddress;
import io.sluice.actors.host.HostNet.Nic;
import io.sluice.actors.host.TunnelDevice;
import io.sluice.actors.interfaces.InterfaceHost;
import io.sluice.actors.maps.NodeElement;
import io.sluice.actors.routes.TunnelNeed;
import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.net.Link;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;

/**
 * One walk through all that the tunnel's device needs, in the order that lets no packet pass
 * unguarded: the device, down if it is new; its element; the programs; settings; up; addresses; and
 * last the node's element, by which programs use it. Where everything is right nothing is written.
 */
final class Raise {
  private final Host host;
  private final TunnelNeed need;
  private final TunnelSettings settings;

  /** Whose work it is. */
  record Host(HostNet net, InterfaceHost interfaces, NodeElement node, Executor kernel) {}

  /** A device as it was found or made. */
  private record Made(Link link, TunnelMtu mtu, Optional<String> replaced) {
    Nic nic() {
      return new Nic(link.index(), TunnelDevice.NAME, true);
    }
  }

  Raise(Host host, TunnelNeed need, TunnelSettings settings) {
    this.host = host;
    this.need = need;
    this.settings = settings;
  }

  CompletionStage<TunnelKeeper.Up> walk() {
    return CompletableFuture.supplyAsync(this::device, host.kernel()).thenCompose(this::use);
  }

  private Made device() {
    TunnelMtu mtu = TunnelMtu.of(settings, need, host.net().links());
    TunnelDevice.Ensured ensured = TunnelDevice.ensure(host.net(), settings.port(), mtu.mtu4());
    return new Made(ensured.link(), mtu, ensured.replaced());
  }

  private CompletionStage<TunnelKeeper.Up> use(Made made) {
    Nic nic = made.nic();
    return host.interfaces()
        .elements()
        .thenCompose(elements -> element(nic, elements))
        .thenCompose(done -> host.interfaces().attach(nic))
        .thenCompose(foreign -> prepare(made))
        .thenApplyAsync(done -> up(made), host.kernel())
        .thenCompose(repaired -> prepare(made).thenApply(done -> repaired))
        .thenCompose(
            repaired ->
                host.node()
                    .tunnel(
                        new NodeElement.Tunnel(
                            nic.index(), vni(), made.mtu().mtu4(), made.mtu().mtu6()))
                    .thenApply(
                        news ->
                            new TunnelKeeper.Up(
                                nic.index(),
                                settings.port(),
                                vni(),
                                made.mtu().mtu4(),
                                made.mtu().mtu6(),
                                addresses(),
                                made.mtu().problems(need),
                                made.replaced(),
                                repaired)));
  }

  /** Where there is no overlay, nothing comes or goes by its number. */
  private int vni() {
    return need.overlay().isEmpty() ? 0 : settings.vni();
  }

  private Map<Family, Ip> addresses() {
    return settings.tunnelSource() ? need.addresses() : Map.of();
  }

  /**
   * Setting it up, or another MTU of the device, changes the MTU of IPv6: this comes after both.
   */
  private CompletionStage<Done> prepare(Made made) {
    return host.interfaces().prepareTunnel(made.nic(), made.mtu().device6());
  }

  /** What else bears an element of ours, or had this index before, is no tunnel any more. */
  private CompletionStage<Done> element(Nic nic, Map<Integer, Iface> elements) {
    CompletionStage<Done> done = CompletableFuture.completedFuture(Done.getInstance());
    for (Map.Entry<Integer, Iface> found : elements.entrySet()) {
      boolean tunnel = (found.getValue().flags() & IfaceFlags.IFACE_TUNNEL) != 0;
      Nic other = new Nic(found.getKey(), found.getValue().name(), false);
      if (tunnel && found.getKey() != nic.index()) {
        done = done.thenCompose(ok -> Lower.forget(host.interfaces(), other));
      } else if (!tunnel && found.getKey() == nic.index()) {
        done = done.thenCompose(ok -> host.interfaces().expel(other));
      }
    }
    Iface wanted = element();
    return wanted.equals(elements.get(nic.index()))
        ? done
        : done.thenCompose(ok -> host.interfaces().putElement(nic.index(), wanted));
  }

  private static Iface element() {
    return new Iface(
        IfaceFlags.IFACE_CONFIGURED | IfaceFlags.IFACE_TUNNEL,
        0,
        0,
        0,
        0,
        Ip.any(Family.IPV4),
        Ip.any(Family.IPV6),
        TunnelDevice.NAME,
        0);
  }

  /** Whether the device, or an address of it, was not there, so that routes may have gone. */
  private boolean up(Made made) {
    boolean repaired = !made.link().isUp();
    TunnelDevice.up(host.net(), made.link(), settings.port());
    int ifindex = made.link().index();
    Set<Ip> wanted = Set.copyOf(addresses().values());
    for (HostAddress there : host.net().addresses(ifindex)) {
      if (!there.isLinkLocal() && !wanted.contains(there.address())) {
        host.net().removeAddress(ifindex, there.address(), there.prefix());
      }
    }
    for (Ip address : wanted) {
      boolean there =
          host.net().addresses(ifindex).stream().anyMatch(a -> a.address().equals(address));
      if (!there) {
        host.net().addAddress(ifindex, address, address.family().bits());
        repaired = true;
      }
    }
    return repaired;
  }
}
