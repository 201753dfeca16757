// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.host;

import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.net.Link;
import java.util.Optional;

/**
 * The one VXLAN device to other nodes, for both families: made, kept in shape, and found again
 * without an agent. Blocks.
 */
public final class TunnelDevice {
  /** Its name on every node. */
  public static final String NAME = "vxlan.sluice";

  /** Its ifalias, by which uninstalling knows that an agent made it. */
  static final String ALIAS = "sluice";

  private TunnelDevice() {}

  /**
   * The device as it is now.
   *
   * @param replaced what had the name and was removed, in words
   */
  public record Ensured(Link link, Optional<String> replaced) {}

  /**
   * Makes the device, or gives the one that is there what it lacks. One whose shape is another, or
   * that is no VXLAN device at all, is removed first: with a foreign shape no packet would pass
   * (ENC-1). A new one is down.
   *
   * @param mtu of the packets that it carries, bytes
   */
  public static Ensured ensure(HostNet net, int port, int mtu) {
    Optional<Link> there = net.link(NAME);
    Optional<String> replaced = Optional.empty();
    if (there.isPresent()
        && !there.get().asVxlan().equals(Optional.of(Link.Vxlan.flowBased(port)))) {
      replaced = Optional.of(describe(there.get()));
      net.deleteLink(there.get().index());
      there = Optional.empty();
    }
    Link link = there.orElseGet(() -> create(net, port, mtu));
    if (!link.alias().equals(ALIAS)) {
      net.setAlias(link.index(), ALIAS);
    }
    if (link.isArp()) {
      net.setArp(link.index(), false);
    }
    if (link.mtu() != mtu) {
      net.setMtu(link.index(), mtu);
    }
    return new Ensured(link, replaced);
  }

  private static String describe(Link link) {
    String whose = link.alias().equals(ALIAS) ? "" : "somebody else's ";
    return whose
        + (link.kind().isEmpty() ? "device" : link.kind())
        + link.asVxlan().map(shape -> " with " + shape).orElse("");
  }

  private static Link create(HostNet net, int port, int mtu) {
    try {
      return net.createVxlan(NAME, port, mtu);
    } catch (KernelException e) {
      throw explained(net, port, e);
    }
  }

  /** Sets it up, which is when the kernel takes its UDP port. */
  public static void up(HostNet net, Link link, int port) {
    if (!link.isUp()) {
      try {
        net.setUp(link.index(), true);
      } catch (KernelException e) {
        throw explained(net, port, e);
      }
    }
  }

  /** Names the other VXLAN device on our port, if that is what the kernel refuses for. */
  private static RuntimeException explained(HostNet net, int port, KernelException refusal) {
    return net.links().stream()
        .filter(link -> !link.name().equals(NAME))
        .filter(link -> link.asVxlan().map(shape -> shape.port() == port).orElse(false))
        .findFirst()
        .<RuntimeException>map(
            link ->
                new IllegalStateException(
                    "UDP port %d is taken by the VXLAN device %s: remove that, or set vxlanPort to another on all nodes"
                        .formatted(port, link.name()),
                    refusal))
        .orElse(refusal);
  }

  /** Removes the device if an agent made it; false if there is none such. */
  public static boolean remove(HostNet net) {
    return net.link(NAME)
        .filter(link -> link.alias().equals(ALIAS))
        .map(link -> net.deleteLink(link.index()))
        .orElse(false);
  }
}
