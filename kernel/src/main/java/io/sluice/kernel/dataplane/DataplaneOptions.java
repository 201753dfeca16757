// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * How to open a dataplane.
 *
 * @param bpffs where a bpffs is mounted; ours is the folder "sluice" therein
 * @param mapSizes entries by map name, of the maps whose size may be chosen (see {@link
 *     #DEFAULT_SIZES}; bytes for "events"). A map that is adopted keeps its size
 * @param debug also load the debug variants (OBS-2)
 * @param redirectPeer send established flows straight into the pod (BPFRedirectToPeer)
 * @param psnatFirst first source port for flows that collide after DNAT (BPFPSNATPorts)
 * @param psnatLast last one, included
 * @param dsr answers leave from the backend's node (BPFExternalServiceMode DSR)
 * @param vxlanPort UDP port of the tunnel
 * @param tcx use TCX where the kernel has it; false: clsact anyway
 */
public record DataplaneOptions(
    Path bpffs,
    Map<String, Integer> mapSizes,
    boolean debug,
    boolean redirectPeer,
    int psnatFirst,
    int psnatLast,
    boolean dsr,
    int vxlanPort,
    boolean tcx) {
  /** The maps whose size may be chosen, and what they get if nobody chooses. */
  public static final Map<String, Integer> DEFAULT_SIZES =
      Map.ofEntries(
          Map.entry("ct4", 512_000),
          Map.entry("ct6", 512_000),
          Map.entry("frontends4", 65_536),
          Map.entry("frontends6", 65_536),
          Map.entry("services", 65_536),
          Map.entry("backends4", 262_144),
          Map.entry("backends6", 262_144),
          Map.entry("backend_gen", 262_144),
          Map.entry("affinity4", 65_536),
          Map.entry("affinity6", 65_536),
          Map.entry("source_ranges4", 65_536),
          Map.entry("source_ranges6", 65_536),
          Map.entry("dsr_optout4", 4_096),
          Map.entry("dsr_optout6", 4_096),
          Map.entry("routes4", 262_144),
          Map.entry("routes6", 262_144),
          Map.entry("ip_sets4", 1 << 20),
          Map.entry("ip_sets6", 1 << 20),
          Map.entry("rule_hits", 131_072),
          Map.entry("ifaces_far", 1_000),
          Map.entry("events", 1 << 20));

  /**
   * @throws IllegalArgumentException if a size is given for a map that has none to choose, or is
   *     not positive
   */
  public DataplaneOptions {
    Map<String, Integer> sizes = new HashMap<>(DEFAULT_SIZES);
    mapSizes.forEach(
        (name, size) -> {
          if (!DEFAULT_SIZES.containsKey(name) || size <= 0) {
            throw new IllegalArgumentException("map " + name + " cannot have the size " + size);
          }
          sizes.put(name, size);
        });
    mapSizes = Map.copyOf(sizes);
  }

  /** With everything else as if nobody chose. */
  public static DataplaneOptions defaults(Path bpffs) {
    return new DataplaneOptions(bpffs, Map.of(), false, true, 20_000, 29_999, false, 4789, true);
  }

  public DataplaneOptions withMapSizes(Map<String, Integer> sizes) {
    return new DataplaneOptions(
        bpffs, sizes, debug, redirectPeer, psnatFirst, psnatLast, dsr, vxlanPort, tcx);
  }

  public DataplaneOptions withDebug(boolean wanted) {
    return new DataplaneOptions(
        bpffs, mapSizes, wanted, redirectPeer, psnatFirst, psnatLast, dsr, vxlanPort, tcx);
  }

  public DataplaneOptions withTcx(boolean wanted) {
    return new DataplaneOptions(
        bpffs, mapSizes, debug, redirectPeer, psnatFirst, psnatLast, dsr, vxlanPort, wanted);
  }

  public DataplaneOptions withDsr(boolean wanted) {
    return new DataplaneOptions(
        bpffs, mapSizes, debug, redirectPeer, psnatFirst, psnatLast, wanted, vxlanPort, tcx);
  }

  /** Our folder. */
  Path root() {
    return bpffs.resolve(Pins.ROOT);
  }
}
