// SPDX-License-Identifier: Apache-2.0
/** Maglev look-up tables: how they are computed, and how all nodes come to run the same one. */
package io.sluice.cluster.maglev;
