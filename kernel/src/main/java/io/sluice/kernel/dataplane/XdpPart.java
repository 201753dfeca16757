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
import io.sluice.kernel.bpf.XdpLink;
import io.sluice.kernel.layout.PolicySlotsLimits;
import io.sluice.kernel.layout.Settings;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceXdpProg;
import io.sluice.kernel.policy.PolicyMap;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What a {@link Build} has for XDP: arrays of its own, and the one program that is attached. */
record XdpPart(ProgramArray programs, ProgramArray policies, Fd preamble, int preambleId)
    implements AutoCloseable {
  private static final String OBJECT = "xdp4"; // of either family: it judges both
  private static final String PROGS = "progs_xdp";
  static final String POLICIES = "policies_xdp";
  private static final String PREAMBLE = "preamble_xdp";
  private static final int PROG_SLOTS = SluiceXdpProg.XDP_PROG_DENY + 1;

  /** Loads it and pins it into a build's folder. */
  static void load(Path folder, Objects objects, MapStore maps, Settings settings) {
    try (ProgramArray progs = array(folder, PROGS, PROG_SLOTS);
        ProgramArray policies =
            array(
                folder,
                POLICIES,
                PolicySlotsLimits.POLICY_SLOTS + PolicySlotsLimits.POLICY_PIECES);
        BpfObject object =
            new Build.Variant(objects, SluiceHook.HOOK_IN, false, settings).open(OBJECT)) {
      maps.share(object);
      object.useMap("progs", progs.fd()).useMap("policies", policies.fd()).load();
      try (Fd allow = object.programFd("xdp_allow");
          Fd deny = object.programFd("xdp_deny");
          Fd preamble = object.programFd(PREAMBLE)) {
        progs.set(SluiceXdpProg.XDP_PROG_ALLOW, allow);
        progs.set(SluiceXdpProg.XDP_PROG_DENY, deny);
        Bpf.pin(preamble, folder.resolve(PREAMBLE));
      }
    }
  }

  private static ProgramArray array(Path folder, String name, int slots) {
    Fd map = new MapSpec(MapType.PROG_ARRAY, name, 4, 4, slots, 0).create();
    ProgramArray array = new ProgramArray(name, map);
    Bpf.pin(map, folder.resolve(name));
    return array;
  }

  static XdpPart adopt(Path folder) {
    Fd preamble = Bpf.get(folder.resolve(PREAMBLE));
    return new XdpPart(
        new ProgramArray(PROGS, Bpf.get(folder.resolve(PROGS))),
        new ProgramArray(POLICIES, Bpf.get(folder.resolve(POLICIES))),
        preamble,
        ProgramInfo.of(preamble).id());
  }

  /** Loads a piece of an untracked policy; the caller puts it where it belongs. */
  Fd loadPolicy(MapStore maps, String name, byte[] instructions) {
    List<Fd> fds = new ArrayList<>();
    for (PolicyMap map : PolicyMap.values()) {
      fds.add(
          switch (map) {
            case PROGS -> programs.fd();
            case POLICIES -> policies.fd();
            default -> maps.fd(map.mapName());
          });
    }
    return Programs.load(Programs.XDP, name, instructions, fds, XdpLink.ATTACH_TYPE);
  }

  @Override
  public void close() {
    programs.close();
    policies.close();
    preamble.close();
  }
}
