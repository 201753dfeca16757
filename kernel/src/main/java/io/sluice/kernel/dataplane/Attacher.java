// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.Bpf;
import io.sluice.kernel.bpf.ClsactFilter;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.HookQuery;
import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.bpf.ProgramInfo;
import io.sluice.kernel.bpf.TcxLink;
import io.sluice.kernel.layout.SluiceHook;
import io.sluice.kernel.net.TcFilter;
import io.sluice.kernel.sys.Errno;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;

/**
 * Which interface runs which preamble. Below {@code links/} are the pinned TCX links ({@code
 * <ifindex>-in}, {@code -out}) and, as empty folders, the marks that an interface has our clsact
 * filters ({@code -clsact}) and that its qdisc is of our making ({@code -qdisc}).
 *
 * <p>Interfaces are those of the caller's network namespace. Thread-safe: calls take turns.
 */
final class Attacher {
  static final String TCX = "tcx";
  static final String CLSACT = "clsact";

  private static final String PREAMBLE = "preamble";
  private static final String QDISC = "qdisc";

  private final Path folder;
  private final boolean tcx;

  /**
   * @param tcx attach by TCX; else by clsact
   */
  Attacher(Path root, boolean tcx) {
    this.folder = root.resolve("links");
    this.tcx = tcx;
    Pins.makeFolder(folder);
  }

  private Path pin(int ifindex, int hook) {
    return folder.resolve(ifindex + "-" + Build.suffix(hook));
  }

  private Path mark(int ifindex, String what) {
    return folder.resolve(ifindex + "-" + what);
  }

  /** Pins and marks of ours; whatever else is there is not. */
  private List<Path> pins() {
    return Pins.list(folder).stream()
        .filter(pin -> pin.getFileName().toString().matches("\\d+-(in|out|clsact|qdisc)"))
        .toList();
  }

  private static int ifindexOf(Path pin) {
    String name = pin.getFileName().toString();
    return Integer.parseInt(name.substring(0, name.indexOf('-')));
  }

  /** How {@link #attach} attaches. */
  String mechanism() {
    return tcx ? TCX : CLSACT;
  }

  /** Removes what is left of interfaces that are gone, whose index may be another's by now. */
  synchronized void sweep() {
    for (Path pin : pins()) {
      String name = pin.getFileName().toString();
      if (name.endsWith("-in") || name.endsWith("-out")) {
        try (TcxLink link = new TcxLink(Bpf.get(pin))) {
          if (link.info().ifindex() == 0) {
            Pins.delete(pin);
          }
        }
      } else if (Interfaces.name(ifindexOf(pin)).isEmpty()) {
        Pins.delete(pin);
      }
    }
  }

  /**
   * Makes an interface run a build's preambles. If the second hook fails, the first is as it was.
   *
   * @return what others have on the same hooks
   */
  synchronized List<String> attach(String name, int ifindex, Build build) {
    if (Interfaces.index(name) != ifindex) {
      throw Errno.failure(
          "attach to " + name, Errno.ENODEV, "there is no such interface with index " + ifindex);
    }
    if (tcx) {
      attachByTcx(ifindex, build);
      removeClsact(ifindex);
    } else {
      attachByClsact(ifindex, build);
      removeLinks(ifindex);
    }
    return foreign(ifindex);
  }

  private void attachByTcx(int ifindex, Build build) {
    List<Runnable> undo = new ArrayList<>();
    try {
      for (int hook = 0; hook < SluiceHook.HOOK_COUNT; hook++) {
        linkHook(ifindex, hook, build.hook(hook), undo);
      }
    } catch (RuntimeException e) {
      undo.forEach(Runnable::run);
      throw e;
    }
  }

  private void linkHook(int ifindex, int hook, Build.Hook wanted, List<Runnable> undo) {
    Path pin = pin(ifindex, hook);
    try (TcxLink link = find(pin)) {
      if (link == null) {
        Pins.delete(pin); // what is left of another interface's
      } else {
        int old = link.info().programId();
        if (old != wanted.preambleId()) {
          link.update(wanted.preamble());
          undo.add(() -> restore(pin, old));
        }
        return;
      }
    }
    try (TcxLink link =
        TcxLink.attach(wanted.preamble(), ifindex, Build.kernelHook(hook), OptionalLong.empty())) {
      Bpf.pin(link.fd(), pin); // until then, a crash takes the link with it
      undo.add(() -> unlink(pin));
    }
  }

  /** The pinned link; null if there is none, or only what is left of another interface's. */
  private static TcxLink find(Path pin) {
    Optional<Fd> found = Bpf.find(pin);
    if (found.isEmpty()) {
      return null;
    }
    TcxLink link = new TcxLink(found.get());
    TcxLink.Info info = link.info();
    if (info.tcx() && info.ifindex() != 0) {
      return link;
    }
    link.close();
    return null;
  }

  private static void restore(Path pin, int programId) {
    try (TcxLink link = new TcxLink(Bpf.get(pin));
        Fd program = Bpf.programById(programId).orElseThrow()) {
      link.update(program);
    }
  }

  private static void unlink(Path pin) {
    Bpf.find(pin)
        .ifPresent(
            fd -> {
              try (TcxLink link = new TcxLink(fd)) {
                link.detach();
              }
            });
    Pins.delete(pin);
  }

  private void attachByClsact(int ifindex, Build build) {
    if (clsactPrograms(ifindex).isEmpty()) {
      Pins.delete(mark(ifindex, QDISC)); // left of another interface with this index
    }
    boolean marked = Pins.exists(mark(ifindex, QDISC));
    Pins.makeFolder(mark(ifindex, QDISC)); // first, so that a crash leaves no qdisc without a mark
    if (!ClsactFilter.createQdisc(ifindex) && !marked) {
      Pins.delete(mark(ifindex, QDISC));
    }
    Pins.makeFolder(mark(ifindex, CLSACT));
    for (int hook = 0; hook < SluiceHook.HOOK_COUNT; hook++) {
      ClsactFilter filter = new ClsactFilter(ifindex, Build.kernelHook(hook));
      Build.Hook wanted = build.hook(hook);
      if (!filter.programId().equals(OptionalInt.of(wanted.preambleId()))) {
        filter.attach(wanted.preamble());
      }
    }
  }

  private void removeLinks(int ifindex) {
    for (int hook = 0; hook < SluiceHook.HOOK_COUNT; hook++) {
      unlink(pin(ifindex, hook));
    }
  }

  private void removeClsact(int ifindex) {
    if (!Pins.exists(mark(ifindex, CLSACT))) {
      return;
    }
    for (int hook = 0; hook < SluiceHook.HOOK_COUNT; hook++) {
      ClsactFilter filter = new ClsactFilter(ifindex, Build.kernelHook(hook));
      OptionalInt program = filter.programId();
      if (program.isPresent() && isPreamble(program.getAsInt())) {
        filter.detach();
      }
    }
    if (Pins.exists(mark(ifindex, QDISC)) && Interfaces.clsactFilters(ifindex).isEmpty()) {
      ClsactFilter.destroyQdisc(ifindex);
    }
    Pins.delete(mark(ifindex, QDISC));
    Pins.delete(mark(ifindex, CLSACT));
  }

  private static boolean isPreamble(int programId) {
    return programName(programId).equals(PREAMBLE);
  }

  private static String programName(int programId) {
    return Bpf.programById(programId)
        .map(
            fd -> {
              try (fd) {
                return ProgramInfo.of(fd).name();
              }
            })
        .orElse("");
  }

  /** Takes the preambles off, and all that came with them. */
  synchronized void detach(int ifindex) {
    removeLinks(ifindex);
    removeClsact(ifindex);
  }

  /** Takes the preambles off every interface. */
  synchronized void detachAll() {
    Set<Integer> all = new HashSet<>();
    pins().forEach(pin -> all.add(ifindexOf(pin)));
    all.forEach(this::detach);
  }

  /** Interfaces with a preamble of whatever build on both hooks, by ifindex. */
  synchronized Map<Integer, Dataplane.Attachment> attachments() {
    Map<Integer, Dataplane.Attachment> attachments = new TreeMap<>();
    for (Path pin : pins()) {
      int ifindex = ifindexOf(pin);
      if (!attachments.containsKey(ifindex)) {
        Optional<String> name = Interfaces.name(ifindex);
        Optional<String> mechanism = mechanism(ifindex);
        if (name.isPresent() && mechanism.isPresent()) {
          attachments.put(
              ifindex,
              new Dataplane.Attachment(name.get(), ifindex, mechanism.get(), foreign(ifindex)));
        }
      }
    }
    return attachments;
  }

  private Optional<String> mechanism(int ifindex) {
    if (linkedPrograms(ifindex).size() == SluiceHook.HOOK_COUNT) {
      return Optional.of(TCX);
    }
    boolean clsact = clsactPrograms(ifindex).size() == SluiceHook.HOOK_COUNT;
    return clsact ? Optional.of(CLSACT) : Optional.empty();
  }

  private List<Integer> linkedPrograms(int ifindex) {
    List<Integer> programs = new ArrayList<>();
    for (int hook = 0; hook < SluiceHook.HOOK_COUNT; hook++) {
      try (TcxLink link = find(pin(ifindex, hook))) {
        if (link != null) {
          programs.add(link.info().programId());
        }
      }
    }
    return programs;
  }

  private List<Integer> clsactPrograms(int ifindex) {
    List<Integer> programs = new ArrayList<>();
    if (Pins.exists(mark(ifindex, CLSACT))) {
      for (int hook = 0; hook < SluiceHook.HOOK_COUNT; hook++) {
        new ClsactFilter(ifindex, Build.kernelHook(hook)).programId().ifPresent(programs::add);
      }
    }
    return programs;
  }

  /** IDs of the preambles that any interface runs. */
  synchronized Set<Integer> programsInUse() {
    Set<Integer> programs = new HashSet<>();
    Set<Integer> seen = new HashSet<>();
    for (Path pin : pins()) {
      int ifindex = ifindexOf(pin);
      if (seen.add(ifindex)) {
        programs.addAll(linkedPrograms(ifindex));
        programs.addAll(clsactPrograms(ifindex));
      }
    }
    return programs;
  }

  /** Programs of others on the hooks of an interface: "egress: name (ID 7, tcx)". */
  private List<String> foreign(int ifindex) {
    List<String> foreign = new ArrayList<>();
    Set<Integer> ours = new HashSet<>(linkedPrograms(ifindex));
    for (int hook = 0; hook < SluiceHook.HOOK_COUNT; hook++) {
      TcxLink.Hook kernelHook = Build.kernelHook(hook);
      for (HookQuery.Attached attached : query(ifindex, kernelHook)) {
        if (!ours.contains(attached.programId())) {
          foreign.add(
              "%s: %s (ID %d, tcx)"
                  .formatted(kernelHook, programName(attached.programId()), attached.programId()));
        }
      }
    }
    for (TcFilter filter : Interfaces.clsactFilters(ifindex)) {
      if (!Interfaces.isOurs(filter)) {
        foreign.add(
            "%s: %s %s(pref %d, clsact)"
                .formatted(
                    filter.ingress() ? "ingress" : "egress",
                    filter.kind(),
                    filter.name().isEmpty() ? "" : filter.name() + " ",
                    filter.priority()));
      }
    }
    return List.copyOf(foreign);
  }

  private static List<HookQuery.Attached> query(int ifindex, TcxLink.Hook hook) {
    try {
      return HookQuery.of(ifindex, hook).attached();
    } catch (KernelException e) {
      if (e.errno() == Errno.ENODEV || e.errno() == Errno.EINVAL) {
        return List.of(); // the interface, or TCX, is not there
      }
      throw e;
    }
  }
}
