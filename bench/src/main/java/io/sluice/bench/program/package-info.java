// SPDX-License-Identifier: Apache-2.0
/** What a packet costs in the programs, by BPF_PROG_TEST_RUN. */
package io.sluice.bench.program;
