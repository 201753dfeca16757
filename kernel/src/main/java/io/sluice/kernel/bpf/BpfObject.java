// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import com.kenai.jffi.MemoryIO;
import io.sluice.kernel.btf.Btf;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.sys.Libc;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * An object file of programs and maps, as libbpf loads it: open, configure, {@link #load}, take
 * descriptors, close. Closing lets go of what nobody else holds or has pinned. Not thread-safe.
 */
public final class BpfObject implements AutoCloseable {
  private static final int OPEN_OPTIONS_SIZE = 80;
  private static final int LOG_SIZE = 16 << 20;

  private final String name;
  private final Btf btf;
  private final NativeBuffer elf;
  private final NativeBuffer openOptions = new NativeBuffer(OPEN_OPTIONS_SIZE);
  private final NativeBuffer nameText;
  private final long log;
  private final Map<String, Long> maps = new LinkedHashMap<>();
  private final Map<String, Long> programs = new LinkedHashMap<>();
  private long object;

  /**
   * Opens an object file; nothing reaches the kernel yet.
   *
   * @param name for messages
   * @param elf the file's content
   * @throws KernelException if this is no object file that libbpf understands
   */
  public BpfObject(String name, byte[] elf) {
    this.name = name;
    this.elf = NativeBuffer.of(elf);
    this.nameText = NativeBuffer.of(name.replaceAll("[^A-Za-z0-9_]", "_"));
    // Not zeroed, so the kernel's pages are taken only for what the verifier writes.
    this.log = MemoryIO.getInstance().allocateMemory(LOG_SIZE, false);
    MemoryIO.getInstance().putByte(log, (byte) 0);
    ByteBuffer o = openOptions.bytes();
    o.putLong(0, OPEN_OPTIONS_SIZE).putLong(8, nameText.address());
    o.putLong(56, log).putLong(64, LOG_SIZE).putInt(72, 0);
    LibBpf.takeWarnings();
    object =
        LibBpf.get()
            .bpf_object__open_mem(this.elf.address(), this.elf.size(), openOptions.address());
    if (object == 0) {
      MemoryIO.getInstance().freeMemory(log);
      throw failure("open object " + name, Libc.errno());
    }
    LibBpf lib = LibBpf.get();
    this.btf = readBtf(lib, object);
    for (long m = lib.bpf_object__next_map(object, 0);
        m != 0;
        m = lib.bpf_object__next_map(object, m)) {
      maps.put(lib.bpf_map__name(m), m);
    }
    for (long p = lib.bpf_object__next_program(object, 0);
        p != 0;
        p = lib.bpf_object__next_program(object, p)) {
      programs.put(lib.bpf_program__name(p), p);
    }
  }

  private static Btf readBtf(LibBpf lib, long object) {
    long types = lib.bpf_object__btf(object);
    if (types == 0) {
      lib.bpf_object__close(object);
      throw new IllegalArgumentException("the object has no types: compile it with -g");
    }
    NativeBuffer size = new NativeBuffer(Integer.BYTES);
    long data = lib.btf__raw_data(types, size.address());
    byte[] raw = new byte[size.bytes().getInt(0)];
    MemoryIO.getInstance().getByteArray(data, raw, 0, raw.length);
    return Btf.parse(raw);
  }

  /** Types of the object; its IDs are those in {@link #mapInfo}. */
  public Btf btf() {
    return btf;
  }

  /** Names of the maps, without those that libbpf makes for global variables. */
  public Set<String> mapNames() {
    Map<String, Long> declared = new LinkedHashMap<>(maps);
    declared.values().removeIf(LibBpf.get()::bpf_map__is_internal);
    return declared.keySet();
  }

  public Set<String> programNames() {
    return programs.keySet();
  }

  /** What the object declares of a map; IDs are 0 but for the types. */
  public MapInfo mapInfo(String mapName) {
    long m = map(mapName);
    LibBpf lib = LibBpf.get();
    return new MapInfo(
        0,
        MapType.of(lib.bpf_map__type(m)),
        mapName,
        lib.bpf_map__key_size(m),
        lib.bpf_map__value_size(m),
        lib.bpf_map__max_entries(m),
        lib.bpf_map__map_flags(m),
        0,
        lib.bpf_map__btf_key_type_id(m),
        lib.bpf_map__btf_value_type_id(m));
  }

  /** Sets how many entries a map gets; of no use after {@link #useMap}. */
  public BpfObject maxEntries(String mapName, int entries) {
    check(LibBpf.get().bpf_map__set_max_entries(map(mapName), entries), "resize map " + mapName);
    return this;
  }

  /**
   * Uses a map that exists instead of making one.
   *
   * @param fd stays the caller's
   */
  public BpfObject useMap(String mapName, Fd fd) {
    check(LibBpf.get().bpf_map__reuse_fd(map(mapName), fd.number()), "adopt map " + mapName);
    return this;
  }

  /** Leaves a program out. */
  public BpfObject without(String programName) {
    check(
        LibBpf.get().bpf_program__set_autoload(program(programName), false),
        "leave out program " + programName);
    return this;
  }

  /**
   * The initial content of a global variable, to be written before {@link #load}.
   *
   * @param variable such as a {@code const volatile}, whose value the verifier takes as given
   * @return its bytes, not copied, in native order
   * @throws IllegalArgumentException if the object has no such variable
   */
  public ByteBuffer initialValue(String variable) {
    for (Btf.Type type : btf.types()) {
      if (type instanceof Btf.Section section) {
        for (Btf.Placed placed : section.variables()) {
          if (btf.type(placed.variable()).name().equals(variable)) {
            return initialData(section.name())
                .slice(placed.offset(), placed.size())
                .order(ByteOrder.nativeOrder());
          }
        }
      }
    }
    throw new IllegalArgumentException("object " + name + " has no variable " + variable);
  }

  private ByteBuffer initialData(String section) {
    for (Map.Entry<String, Long> entry : maps.entrySet()) {
      if (entry.getKey().endsWith(section)) {
        NativeBuffer size = new NativeBuffer(Long.BYTES);
        long data = LibBpf.get().bpf_map__initial_value(entry.getValue(), size.address());
        if (data != 0) {
          int length = Math.toIntExact(size.bytes().getLong(0));
          return MemoryIO.getInstance().newDirectByteBuffer(data, length);
        }
      }
    }
    throw new IllegalArgumentException("object " + name + " has no data section " + section);
  }

  /**
   * Makes the maps and loads the programs, all or none.
   *
   * @throws VerifierException if the verifier refuses a program; the message names it
   * @throws KernelException for every other failure
   */
  public BpfObject load() {
    LibBpf.takeWarnings();
    int result = LibBpf.get().bpf_object__load(object);
    Reference.reachabilityFence(elf);
    if (result < 0) {
      String verifierLog = logText();
      if (verifierLog.isEmpty()) {
        throw failure("load object " + name, -result);
      }
      throw new VerifierException(
          "load object %s (%s)".formatted(name, LibBpf.takeWarnings()), -result, verifierLog);
    }
    return this;
  }

  /** A descriptor of a loaded program, the caller's. */
  public Fd programFd(String programName) {
    return duplicate(LibBpf.get().bpf_program__fd(program(programName)), programName);
  }

  /** A descriptor of a map that is made or adopted, the caller's. */
  public Fd mapFd(String mapName) {
    return duplicate(LibBpf.get().bpf_map__fd(map(mapName)), mapName);
  }

  private Fd duplicate(int fd, String what) {
    if (fd < 0) {
      throw new IllegalStateException(what + " of object " + name + " is not loaded");
    }
    return Fd.duplicate(fd);
  }

  private long map(String mapName) {
    return find(maps, mapName, "map");
  }

  private long program(String programName) {
    return find(programs, programName, "program");
  }

  private long find(Map<String, Long> all, String wanted, String kind) {
    Long found = all.get(wanted);
    if (found == null) {
      throw new IllegalArgumentException("object " + name + " has no " + kind + " " + wanted);
    }
    return found;
  }

  private void check(int result, String what) {
    if (result < 0) {
      throw failure(what + " of object " + name, -result);
    }
  }

  private static KernelException failure(String what, int errno) {
    String warnings = LibBpf.takeWarnings();
    return warnings.isEmpty()
        ? Errno.failure(what, errno)
        : Errno.failure(what, errno, "libbpf says: " + warnings);
  }

  private String logText() {
    int length = (int) MemoryIO.getInstance().getStringLength(log);
    byte[] text = new byte[Math.min(length, LOG_SIZE)];
    MemoryIO.getInstance().getByteArray(log, text, 0, text.length);
    return new String(text, StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    if (object != 0) {
      LibBpf.get().bpf_object__close(object);
      MemoryIO.getInstance().freeMemory(log);
      object = 0;
    }
  }
}
