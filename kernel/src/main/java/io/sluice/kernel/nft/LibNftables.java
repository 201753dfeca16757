// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.nft;

import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.types.u_int32_t;

/**
 * libnftables' functions, as libnftables(3) has them. Public only because jnr-ffi implements it
 * from outside: use {@link Nftables}.
 */
public interface LibNftables {
  /** The library; says how to get it if it is missing. */
  static LibNftables get() {
    return Holder.LIBRARY;
  }

  Pointer nft_ctx_new(@u_int32_t int flags);

  void nft_ctx_free(Pointer context);

  int nft_ctx_buffer_output(Pointer context);

  int nft_ctx_buffer_error(Pointer context);

  String nft_ctx_get_output_buffer(Pointer context);

  String nft_ctx_get_error_buffer(Pointer context);

  void nft_ctx_output_set_flags(Pointer context, @u_int32_t int flags);

  int nft_run_cmd_from_filename(Pointer context, String file);

  /** Loads the library when it is first asked for. */
  final class Holder {
    private static final LibNftables LIBRARY = load();

    private Holder() {}

    private static LibNftables load() {
      try {
        return LibraryLoader.create(LibNftables.class).load("libnftables.so.1");
      } catch (UnsatisfiedLinkError e) {
        throw new IllegalStateException(
            "libnftables.so.1 is missing: install libnftables1 (Debian)", e);
      }
    }
  }
}
