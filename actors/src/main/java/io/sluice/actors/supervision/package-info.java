// SPDX-License-Identifier: Apache-2.0
/** What all supervised actors share. */
package io.sluice.actors.supervision;
