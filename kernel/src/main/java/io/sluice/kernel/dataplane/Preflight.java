// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.asm.PolicyPrograms;
import io.sluice.kernel.bpf.BpfObject;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.bpf.KernelFeatures;
import io.sluice.kernel.bpf.MapSpec;
import io.sluice.kernel.bpf.MapType;
import io.sluice.kernel.bpf.Programs;
import io.sluice.kernel.bpf.VerifierException;
import io.sluice.kernel.layout.Settings;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.layout.SluiceProgIndex;
import io.sluice.kernel.sys.Privileges;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * What the running kernel has of what the dataplane needs. Loads every variant of every program
 * (PROG-5), pins nothing, attaches nothing, and leaves nothing behind.
 */
public final class Preflight {
  private static final int SMALL = 1024;
  private static final int PAGE = 4096;
  private static final String NEWER_KERNEL = "use a newer kernel (5.15 is the oldest, 6.6 is best)";

  private final Objects objects;
  private final List<Finding> findings = new ArrayList<>();

  private Preflight(Objects objects) {
    this.objects = objects;
  }

  /**
   * One thing that was looked at.
   *
   * @param item what
   * @param ok whether it is there
   * @param required false: the dataplane works without, but less well
   * @param detail what was found
   * @param remedy what to do about it; empty if it is there
   */
  public record Finding(String item, boolean ok, boolean required, String detail, String remedy) {}

  /** Looks at the kernel. */
  public static List<Finding> run() {
    return run(Objects.SHIPPED);
  }

  /** Looks at the kernel, and at the place for pins. */
  public static List<Finding> run(Path bpffs) {
    List<Finding> findings = new ArrayList<>();
    try {
      Pins.requireBpffs(bpffs);
      findings.add(new Finding("bpffs", true, true, bpffs.toString(), ""));
    } catch (KernelException e) {
      findings.add(new Finding("bpffs", false, true, e.getMessage(), "mount -t bpf bpf " + bpffs));
    }
    findings.addAll(run());
    return findings;
  }

  static List<Finding> run(Objects objects) {
    Preflight preflight = new Preflight(objects);
    Optional<String> complaint = Privileges.complaint();
    if (complaint.isPresent()) {
      return List.of(
          new Finding(
              "privilege",
              false,
              true,
              complaint.get(),
              "run as root; nothing else was looked at"));
    }
    preflight.features();
    preflight.programs();
    return preflight.findings;
  }

  private void features() {
    String release = KernelFeatures.release();
    boolean known =
        KernelFeatures.atLeast(DataplaneLoader.OLDEST_MAJOR, DataplaneLoader.OLDEST_MINOR);
    findings.add(new Finding("kernel", known, true, "Linux " + release, known ? "" : NEWER_KERNEL));
    required("LRU hash maps", KernelFeatures::lruHash);
    required("longest-prefix maps", KernelFeatures::lpmTrie);
    required("ring buffers", KernelFeatures::ringBuffer);
    required("batches on hash maps", () -> KernelFeatures.batches(MapType.LRU_HASH));
    required("batches on longest-prefix maps", () -> KernelFeatures.batches(MapType.LPM_TRIE));
    required("loops over map elements", KernelFeatures::forEachMapElement);
    required("redirect into pods", KernelFeatures::redirectPeer);
    optional("JIT", KernelFeatures::jit, "slow", "sysctl -w net.core.bpf_jit_enable=1");
    optional("TCX", KernelFeatures::tcx, "clsact is used", "Linux 6.6 or later");
    optional(
        "kernel types (BTF)",
        KernelFeatures::kernelTypes,
        "checksums take a slower way",
        "a kernel with CONFIG_DEBUG_INFO_BTF");
    optional(
        "bpf_cast_to_kern_ctx",
        KernelFeatures::castToKernelContext,
        "checksums take a slower way",
        "Linux 6.2 or later, with CONFIG_DEBUG_INFO_BTF");
  }

  private void required(String item, BooleanSupplier probe) {
    boolean there = probe.getAsBoolean();
    findings.add(
        new Finding(item, there, true, there ? "present" : "missing", there ? "" : NEWER_KERNEL));
  }

  private void optional(String item, BooleanSupplier probe, String instead, String remedy) {
    boolean there = probe.getAsBoolean();
    findings.add(
        new Finding(
            item, there, false, there ? "present" : "missing: " + instead, there ? "" : remedy));
  }

  private void programs() {
    check("conntrack's clock", () -> hz());
    for (int family : new int[] {4, 6}) {
      check("conntrack cleaner, IPv" + family, () -> load(objects.open("ct_clean" + family)));
    }
    for (int hook = 0; hook < SluiceHook.HOOK_COUNT; hook++) {
      for (boolean debug : new boolean[] {false, true}) {
        Settings settings = settings();
        Build.Variant variant = new Build.Variant(objects, hook, debug, settings);
        for (int family : new int[] {4, 6}) {
          check(
              "programs for IPv%d, %s".formatted(family, variant),
              () -> load(variant.open("tc" + family)));
        }
        if (!debug) {
          check("preamble, " + variant, () -> load(variant.open("preamble4")));
        }
      }
    }
    check("policy programs", this::loadPolicies);
  }

  private Settings settings() {
    int kernCtx = KernelFeatures.castToKernelContext() ? 1 : 0;
    return new Settings(0, 0, 250, 1, kernCtx, 20_000, 29_999, 0, 4789);
  }

  /** Loads something, and tells what it is made of. */
  private interface Attempt {
    String load();
  }

  private void check(String item, Attempt attempt) {
    try {
      findings.add(new Finding(item, true, true, attempt.load(), ""));
    } catch (VerifierException e) {
      findings.add(
          new Finding(
              item,
              false,
              true,
              e.getMessage(),
              "report this with the kernel's version (" + KernelFeatures.release() + ")"));
    } catch (KernelException e) {
      findings.add(new Finding(item, false, true, e.getMessage(), NEWER_KERNEL));
    }
  }

  private String hz() {
    try (Clock clock = new Clock(objects)) {
      return clock.hz() + " jiffies a second";
    }
  }

  private static String load(BpfObject opened) {
    try (BpfObject object = opened) {
      for (String map : object.mapNames()) {
        if (map.equals("events")) {
          object.maxEntries(map, PAGE);
        } else if (DataplaneOptions.DEFAULT_SIZES.containsKey(map)) {
          object.maxEntries(map, SMALL);
        }
      }
      object.load();
      return String.join(", ", object.programNames());
    }
  }

  private String loadPolicies() {
    MapSpec spec = new MapSpec(MapType.PROG_ARRAY, "progs", 4, 4, SluiceProgIndex.PROG_SLOTS, 0);
    try (Fd progs = spec.create();
        Fd allow = loadPolicy(PolicyPrograms.allowAll(), progs);
        Fd deny = loadPolicy(PolicyPrograms.denyAll(), progs)) {
      return allow.number() != deny.number() ? "allow-all, deny-all" : "";
    }
  }

  private static Fd loadPolicy(byte[] instructions, Fd progs) {
    return Programs.load(Programs.SCHED_CLS, "policy", instructions, List.of(progs));
  }
}
