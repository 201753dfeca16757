// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.Bpf;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.bpf.XdpLink;
import io.sluice.kernel.sys.Errno;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Which interface runs the XDP preamble: by links, pinned below {@code links/} as {@code
 * <ifindex>-xdp-native} or {@code -xdp-generic}. Native where the driver takes it, else generic.
 *
 * <p>Interfaces are those of the caller's network namespace. Thread-safe: calls take turns.
 */
final class XdpAttacher {
  private final Path folder;

  XdpAttacher(Path root) {
    this.folder = root.resolve("links");
    Pins.makeFolder(folder);
  }

  private Path pin(int ifindex, XdpLink.Mode mode) {
    return folder.resolve(ifindex + "-xdp-" + mode);
  }

  private List<Path> pins() {
    return Pins.list(folder).stream()
        .filter(pin -> pin.getFileName().toString().matches("\\d+-xdp-(native|generic)"))
        .toList();
  }

  private static int ifindexOf(Path pin) {
    String name = pin.getFileName().toString();
    return Integer.parseInt(name.substring(0, name.indexOf('-')));
  }

  private static XdpLink.Mode modeOf(Path pin) {
    return pin.getFileName().toString().endsWith("native")
        ? XdpLink.Mode.NATIVE
        : XdpLink.Mode.GENERIC;
  }

  /** Removes what is left of interfaces that are gone, whose index may be another's by now. */
  synchronized void sweep() {
    for (Path pin : pins()) {
      try (XdpLink link = find(pin)) {
        if (link == null) {
          Pins.delete(pin);
        }
      }
    }
  }

  /** The pinned link; null if there is none, or only what is left of another interface's. */
  private static XdpLink find(Path pin) {
    Optional<Fd> found = Bpf.find(pin);
    if (found.isEmpty()) {
      return null;
    }
    XdpLink link = new XdpLink(found.get());
    XdpLink.Info info = link.info();
    if (info.xdp() && info.ifindex() != 0) {
      return link;
    }
    link.close();
    return null;
  }

  /** Makes an interface run a preamble, without a moment of none if it ran another. */
  synchronized XdpLink.Mode attach(String name, int ifindex, Fd preamble, int preambleId) {
    if (Interfaces.index(name) != ifindex) {
      throw Errno.failure(
          "attach XDP to " + name,
          Errno.ENODEV,
          "there is no such interface with index " + ifindex);
    }
    for (XdpLink.Mode mode : XdpLink.Mode.values()) {
      try (XdpLink link = find(pin(ifindex, mode))) {
        if (link != null) {
          if (link.info().programId() != preambleId) {
            link.update(preamble);
          }
          return mode;
        }
      }
      Pins.delete(pin(ifindex, mode)); // what is left of another interface's
    }
    try {
      return create(ifindex, preamble, XdpLink.Mode.NATIVE);
    } catch (KernelException e) {
      if (e.errno() == Errno.EEXIST || e.errno() == Errno.EBUSY) {
        throw taken(name, e);
      }
      return createGeneric(name, ifindex, preamble);
    }
  }

  private XdpLink.Mode createGeneric(String name, int ifindex, Fd preamble) {
    try {
      return create(ifindex, preamble, XdpLink.Mode.GENERIC);
    } catch (KernelException e) {
      throw e.errno() == Errno.EEXIST || e.errno() == Errno.EBUSY ? taken(name, e) : e;
    }
  }

  private static KernelException taken(String name, KernelException e) {
    return Errno.failure(
        "attach XDP to " + name,
        e.errno(),
        "another program has its XDP hook: take it off (ip link set dev %s xdp off)"
            .formatted(name));
  }

  private XdpLink.Mode create(int ifindex, Fd preamble, XdpLink.Mode mode) {
    try (XdpLink link = XdpLink.attach(preamble, ifindex, mode)) {
      Bpf.pin(link.fd(), pin(ifindex, mode)); // until then, a crash takes the link with it
      return mode;
    }
  }

  /** Takes the preamble off. No error if there is none. */
  synchronized void detach(int ifindex) {
    for (XdpLink.Mode mode : XdpLink.Mode.values()) {
      try (XdpLink link = find(pin(ifindex, mode))) {
        if (link != null) {
          link.detach();
        }
      }
      Pins.delete(pin(ifindex, mode));
    }
  }

  synchronized void detachAll() {
    pins().forEach(pin -> detach(ifindexOf(pin)));
  }

  /** How interfaces run a preamble, of whatever build, by ifindex. */
  synchronized Map<Integer, XdpLink.Mode> attachments() {
    Map<Integer, XdpLink.Mode> attachments = new TreeMap<>();
    for (Path pin : pins()) {
      try (XdpLink link = find(pin)) {
        if (link != null) {
          attachments.put(ifindexOf(pin), modeOf(pin));
        }
      }
    }
    return attachments;
  }

  /** IDs of the preambles that any interface runs. */
  synchronized Set<Integer> programsInUse() {
    Set<Integer> programs = new HashSet<>();
    for (Path pin : pins()) {
      try (XdpLink link = find(pin)) {
        if (link != null) {
          programs.add(link.info().programId());
        }
      }
    }
    return programs;
  }
}
