// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import io.sluice.kernel.sys.Libc;
import java.util.ArrayDeque;
import java.util.Deque;
import jnr.ffi.LibraryLoader;
import jnr.ffi.annotations.Delegate;

/**
 * libbpf 1.x. Structures and addresses are longs; options are {@link NativeBuffer}s that begin with
 * their own size. Failing functions return null or a negative error number and leave errno. Public
 * only because jnr-ffi implements it from outside: use {@link BpfObject} and its neighbours.
 */
public interface LibBpf {
  long bpf_object__open_mem(long elf, long size, long options);

  int bpf_object__load(long object);

  void bpf_object__close(long object);

  long bpf_object__btf(long object);

  long btf__raw_data(long btf, long size);

  long bpf_object__next_map(long object, long previous);

  long bpf_object__next_program(long object, long previous);

  String bpf_program__name(long program);

  int bpf_program__set_autoload(long program, boolean autoload);

  int bpf_program__fd(long program);

  String bpf_map__name(long map);

  int bpf_map__fd(long map);

  int bpf_map__type(long map);

  int bpf_map__key_size(long map);

  int bpf_map__value_size(long map);

  int bpf_map__max_entries(long map);

  int bpf_map__map_flags(long map);

  int bpf_map__btf_key_type_id(long map);

  int bpf_map__btf_value_type_id(long map);

  boolean bpf_map__is_internal(long map);

  int bpf_map__reuse_fd(long map, int fd);

  int bpf_map__set_max_entries(long map, int entries);

  int bpf_map__set_autocreate(long map, boolean autocreate);

  long bpf_map__initial_value(long map, long size);

  int bpf_tc_hook_create(long hook);

  int bpf_tc_hook_destroy(long hook);

  int bpf_tc_attach(long hook, long options);

  int bpf_tc_detach(long hook, long options);

  int bpf_tc_query(long hook, long options);

  long ring_buffer__new(int mapFd, Sample callback, long context, long options);

  int ring_buffer__poll(long ringBuffer, int timeoutMillis);

  void ring_buffer__free(long ringBuffer);

  void libbpf_set_print(Print callback);

  /** Takes an event of a ring buffer; negative: stop. */
  interface Sample {
    @Delegate
    int take(long context, long data, long size);
  }

  /** Takes a line of libbpf's own log. */
  interface Print {
    @Delegate
    int print(int level, long format, long arguments);
  }

  /** The library; says how to get it if it is missing. */
  static LibBpf get() {
    return Library.INSTANCE;
  }

  /** What libbpf warned of on this thread since the last call; the last lines only. */
  static String takeWarnings() {
    Deque<String> lines = Library.WARNINGS.get();
    String text = String.join("; ", lines);
    lines.clear();
    return text;
  }

  /** Loads on first use, so that everything else works without libbpf. */
  final class Library {
    private static final int WARN = 0;
    private static final int KEPT = 5;
    private static final int LINE = 1024;

    private static final ThreadLocal<Deque<String>> WARNINGS =
        ThreadLocal.withInitial(ArrayDeque::new);
    // libbpf keeps the pointer: the callback must never be collected.
    private static final Print PRINT = Library::print;
    private static final LibBpf INSTANCE = load();

    private Library() {}

    private static LibBpf load() {
      try {
        LibBpf library = LibraryLoader.create(LibBpf.class).load("libbpf.so.1");
        library.libbpf_set_print(PRINT);
        return library;
      } catch (UnsatisfiedLinkError e) {
        throw new IllegalStateException(
            "libbpf.so.1 is missing: install libbpf1 (Debian) or libbpf 1.x", e);
      }
    }

    private static int print(int level, long format, long arguments) {
      if (level != WARN) {
        return 0;
      }
      NativeBuffer line = new NativeBuffer(LINE);
      Libc.get().vsnprintf(line.address(), LINE, format, arguments);
      Deque<String> lines = WARNINGS.get();
      lines.addLast(line.text(0, LINE).strip().replaceFirst("^libbpf: ", ""));
      if (lines.size() > KEPT) {
        lines.removeFirst();
      }
      return 0;
    }
  }
}
