// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.Bpf;
import io.sluice.kernel.bpf.BpfObject;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.MapSpec;
import io.sluice.kernel.bpf.MapType;
import io.sluice.kernel.bpf.ProgramArray;
import io.sluice.kernel.bpf.ProgramInfo;
import io.sluice.kernel.bpf.Programs;
import io.sluice.kernel.bpf.TcxLink;
import io.sluice.kernel.layout.PolicySlotsLimits;
import io.sluice.kernel.layout.Settings;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceProg;
import io.sluice.kernel.layout.SluiceProgIndex;
import io.sluice.kernel.policy.PolicyMap;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * One set of programs for both hooks: the generic program arrays, filled; the per-endpoint arrays;
 * and the preambles that enter them. All are pinned in a folder named after what they were made
 * from, so that the same set is adopted, and another is made beside it without touching it.
 */
final class Build implements AutoCloseable {
  /** Names of folders of builds. */
  static final String FOLDER = "[0-9a-f]{16}";

  private static final int POLICY_ARRAY =
      PolicySlotsLimits.POLICY_SLOTS + PolicySlotsLimits.POLICY_PIECES;
  private static final String PREAMBLE = "preamble";

  private final Path folder;
  private final List<Hook> hooks = new ArrayList<>();
  private XdpPart xdp;

  /** What one hook has of it. */
  record Hook(ProgramArray programs, ProgramArray policies, Fd preamble, int preambleId)
      implements AutoCloseable {
    @Override
    public void close() {
      programs.close();
      policies.close();
      preamble.close();
    }
  }

  private Build(Path folder) {
    this.folder = folder;
  }

  /**
   * Adopts the set of programs that these inputs give, or loads all of it: when this fails, nothing
   * of it is left.
   *
   * @param settings for all hooks and variants, which this fills in
   */
  static Build open(Path root, Objects objects, MapStore maps, Settings settings, boolean debug) {
    Build build = new Build(root.resolve(hash(objects, maps, settings, debug)));
    try {
      if (!build.isComplete()) {
        Pins.deleteTree(build.folder);
        Pins.makeFolder(build.folder);
        build.load(objects, maps, settings, debug);
      }
      for (int hook = 0; hook < SluiceHook.HOOK_COUNT; hook++) {
        build.hooks.add(build.adopt(hook));
      }
      build.xdp = XdpPart.adopt(build.folder);
      return build;
    } catch (RuntimeException e) {
      build.close();
      if (!build.isComplete()) {
        Pins.deleteTree(build.folder);
      }
      throw e;
    }
  }

  private static String hash(Objects objects, MapStore maps, Settings settings, boolean debug) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (String name : Objects.ALL) {
        digest.update(objects.read(name));
      }
      String rest = settings + " " + debug + " " + maps.ids();
      digest.update(rest.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest.digest(), 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  static String suffix(int hook) {
    return hook == SluiceHook.HOOK_IN ? "in" : "out";
  }

  static TcxLink.Hook kernelHook(int hook) {
    return hook == SluiceHook.HOOK_IN ? TcxLink.Hook.INGRESS : TcxLink.Hook.EGRESS;
  }

  private Path pin(String name, int hook) {
    return folder.resolve(name + "_" + suffix(hook));
  }

  /** Preambles are pinned last, once everything behind them is in place. */
  private boolean isComplete() {
    return Pins.exists(pin(PREAMBLE, SluiceHook.HOOK_IN))
        && Pins.exists(pin(PREAMBLE, SluiceHook.HOOK_OUT));
  }

  private Hook adopt(int hook) {
    Fd preamble = Bpf.get(pin(PREAMBLE, hook));
    return new Hook(
        new ProgramArray("progs_" + suffix(hook), Bpf.get(pin("progs", hook))),
        new ProgramArray("policies_" + suffix(hook), Bpf.get(pin("policies", hook))),
        preamble,
        ProgramInfo.of(preamble).id());
  }

  private void load(Objects objects, MapStore maps, Settings settings, boolean debug) {
    List<Fd> preambles = new ArrayList<>();
    try {
      XdpPart.load(folder, objects, maps, settings);
      for (int hook = 0; hook < SluiceHook.HOOK_COUNT; hook++) {
        try (ProgramArray progs = makeArray("progs", hook, SluiceProgIndex.PROG_SLOTS);
            ProgramArray policies = makeArray("policies", hook, POLICY_ARRAY)) {
          Variant variant = new Variant(objects, hook, false, settings);
          for (int family : new int[] {4, 6}) {
            variant.fill(family, maps, progs, policies);
            if (debug) {
              variant.asDebug().fill(family, maps, progs, policies);
            }
          }
          preambles.add(variant.preamble(maps, progs, policies));
        }
      }
      for (int hook = SluiceHook.HOOK_COUNT - 1; hook >= 0; hook--) {
        Bpf.pin(preambles.get(hook), pin(PREAMBLE, hook));
      }
    } finally {
      preambles.forEach(Fd::close);
    }
  }

  private ProgramArray makeArray(String name, int hook, int slots) {
    String full = name + "_" + suffix(hook);
    Fd map = new MapSpec(MapType.PROG_ARRAY, full, 4, 4, slots, 0).create();
    ProgramArray array = new ProgramArray(full, map);
    Bpf.pin(map, pin(name, hook));
    return array;
  }

  /** IDs of the preambles of whatever build is in a folder. */
  static Set<Integer> preambleIds(Path folder) {
    Set<Integer> ids = new HashSet<>();
    for (Path pin : Pins.list(folder)) {
      if (pin.getFileName().toString().startsWith(PREAMBLE)) {
        try (Fd preamble = Bpf.get(pin)) {
          ids.add(ProgramInfo.of(preamble).id());
        }
      }
    }
    return ids;
  }

  /** The hash of its inputs: names its folder. */
  String id() {
    return folder.getFileName().toString();
  }

  XdpPart xdp() {
    return xdp;
  }

  Hook hook(int hook) {
    return hooks.get(java.util.Objects.checkIndex(hook, hooks.size()));
  }

  /** The programs of one hook and variant, from their objects to where they belong. */
  record Variant(Objects objects, int hook, boolean debug, Settings settings) {
    Variant asDebug() {
      return new Variant(objects, hook, true, settings);
    }

    /** For messages: "host-ingress, debug". */
    @Override
    public String toString() {
      return (hook == SluiceHook.HOOK_IN ? "host-ingress" : "host-egress")
          + (debug ? ", debug" : "");
    }

    /** Loads the sub-programs of a family and puts them into their slots. */
    void fill(int family, MapStore maps, ProgramArray progs, ProgramArray policies) {
      try (BpfObject object = open("tc" + family)) {
        maps.share(object);
        object.useMap("progs", progs.fd()).useMap("policies", policies.fd());
        object.load();
        programs(family)
            .forEach(
                (slot, name) -> {
                  try (Fd program = object.programFd(name)) {
                    progs.set(slot, program);
                  }
                });
      }
    }

    /** Loads the program that is attached to interfaces. */
    Fd preamble(MapStore maps, ProgramArray progs, ProgramArray policies) {
      try (BpfObject object = open("preamble4")) {
        maps.share(object);
        object.useMap("progs", progs.fd()).useMap("policies", policies.fd());
        return object.load().programFd(PREAMBLE);
      }
    }

    /** Opens and configures an object. */
    BpfObject open(String name) {
      BpfObject object = new BpfObject(name + " for " + this, objects.read(name));
      ByteBuffer place = object.initialValue("settings");
      Settings own =
          new Settings(
              hook,
              debug ? 1 : 0,
              settings.hz(),
              settings.redirectPeer(),
              settings.kernCtx(),
              settings.psnatFirst(),
              settings.psnatLast(),
              settings.dsr(),
              settings.vxlanPort());
      Settings.codec().encode(own, place, 0);
      return object;
    }

    /** Names of a family's sub-programs by their slot in the generic array. */
    Map<Integer, String> programs(int family) {
      int base = family == 4 ? SluiceProgIndex.PROG_FAMILY4 : SluiceProgIndex.PROG_FAMILY6;
      Map<Integer, String> programs = new TreeMap<>();
      for (int prog = 0; prog < SluiceProg.PROG_PER_FAMILY; prog++) {
        programs.put(base + prog + (debug ? SluiceProgIndex.PROG_DEBUG : 0), programName(prog));
      }
      return programs;
    }

    private static String programName(int prog) {
      return "prog_" + SluiceProg.name(prog);
    }
  }

  /** Loads a piece of a policy program; the caller puts it where it belongs. */
  Fd loadPolicy(int hook, MapStore maps, String name, byte[] instructions) {
    List<Fd> fds = new ArrayList<>();
    for (PolicyMap map : PolicyMap.values()) {
      fds.add(
          switch (map) {
            case PROGS -> hook(hook).programs().fd();
            case POLICIES -> hook(hook).policies().fd();
            default -> maps.fd(map.mapName());
          });
    }
    return Programs.load(Programs.SCHED_CLS, name, instructions, fds);
  }

  /** The per-endpoint array of a hook, of the build that interfaces run, else of any. */
  static Optional<ProgramArray> policies(Path root, int hook, Set<Integer> programsInUse) {
    return array(root, "policies_" + suffix(hook), programsInUse);
  }

  /** XDP's per-endpoint array, likewise. */
  static Optional<ProgramArray> untracked(Path root, Set<Integer> programsInUse) {
    return array(root, XdpPart.POLICIES, programsInUse);
  }

  private static Optional<ProgramArray> array(Path root, String name, Set<Integer> programsInUse) {
    List<Path> complete =
        Pins.list(root).stream()
            .filter(folder -> folder.getFileName().toString().matches(FOLDER))
            .filter(folder -> new Build(folder).isComplete())
            .toList();
    return complete.stream()
        .filter(folder -> preambleIds(folder).stream().anyMatch(programsInUse::contains))
        .findFirst()
        .or(() -> complete.stream().findFirst())
        .map(folder -> folder.resolve(name))
        .flatMap(Bpf::find)
        .map(fd -> new ProgramArray(name, fd));
  }

  @Override
  public void close() {
    hooks.forEach(Hook::close);
    if (xdp != null) {
      xdp.close();
    }
  }
}
