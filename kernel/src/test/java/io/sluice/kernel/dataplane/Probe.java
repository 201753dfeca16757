// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.Bpf;
import io.sluice.kernel.bpf.BpfObject;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.MapInfo;
import io.sluice.kernel.layout.Family;
import java.nio.file.Path;

/** The programs of probe.bpf.c, which run parts of the packet path alone. */
final class Probe {
  private Probe() {}

  /** With maps of its own, small ones. */
  static BpfObject open(Family family) {
    BpfObject object = Objects.SHIPPED.open("probe" + family.number());
    for (String map : object.mapNames()) {
      MapInfo info = object.mapInfo(map);
      if (info.maxEntries() > 4096 && !map.equals("events")) {
        object.maxEntries(map, 4096);
      }
    }
    return object.load();
  }

  /** With the maps of a dataplane. */
  static BpfObject open(Family family, Path root) {
    BpfObject object = Objects.SHIPPED.open("probe" + family.number());
    for (String map : object.mapNames()) {
      Path pin = root.resolve("maps").resolve(map);
      if (Pins.exists(pin)) {
        try (Fd fd = Bpf.get(pin)) {
          object.useMap(map, fd);
        }
      }
    }
    return object.load();
  }
}
